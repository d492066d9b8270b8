//! Lets this crate's programs and tests find the DuckDB that they are linked with.

use std::{env, path::PathBuf};

fn main() {
    println!("cargo:rerun-if-env-changed=DUCKDB_LIB_DIR");
    let dir = PathBuf::from(env::var_os("DUCKDB_LIB_DIR").unwrap_or_default());
    let library = dir.join("libduckdb.so");
    println!("cargo:rerun-if-changed={}", library.display());
    if !library.exists() {
        println!(
            "cargo:error=there is no {}; tile-server links it.\n  The mend: cargo xtask setup",
            library.display()
        );
        return;
    }
    // In a clone it lies where cargo was told; beside an installed bin/ it lies in lib/.
    println!("cargo:rustc-link-arg=-Wl,-rpath,{}", dir.display());
    println!("cargo:rustc-link-arg=-Wl,-rpath,$ORIGIN/../lib");
}
