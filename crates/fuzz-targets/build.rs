//! Lets this crate's tests find the DuckDB that tile-server is linked with.

fn main() {
    println!("cargo:rerun-if-env-changed=DUCKDB_LIB_DIR");
    let dir = std::env::var("DUCKDB_LIB_DIR").unwrap_or_default();
    println!("cargo:rustc-link-arg-tests=-Wl,-rpath,{dir}");
}
