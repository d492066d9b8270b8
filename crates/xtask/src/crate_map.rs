use anyhow::{Context, bail};

use crate::crate_graph::Package;

const BEGIN: &str = "<!-- crate-map:begin -->";
const END: &str = "<!-- crate-map:end -->";

/// The table of our crates: what each is for, and which of ours it uses.
fn table(packages: &[Package]) -> String {
    let mut rows = vec!["| crate | what it is for | uses |".to_owned(), "|---|---|---|".to_owned()];
    // Those at the bottom first, as one would read the code.
    let mut sorted: Vec<&Package> = packages.iter().collect();
    sorted.sort_by_key(|package| (depth(package, packages), &package.name));
    for package in sorted {
        let uses = ours(package);
        let uses = if uses.is_empty() { "-".into() } else { uses.join(", ") };
        rows.push(format!(
            "| {} | {} | {uses} |",
            package.name,
            package.description.as_deref().unwrap_or("-")
        ));
    }
    rows.join("\n")
}

/// The length of the longest chain of arrows below a crate.
fn depth(package: &Package, packages: &[Package]) -> usize {
    let used = packages.iter().filter(|other| ours(package).contains(&other.name.as_str()));
    used.map(|other| depth(other, packages) + 1).max().unwrap_or(0)
}

fn ours(package: &Package) -> Vec<&str> {
    let ordinary = package.dependencies.iter().filter(|used| used.path.is_some() && used.kind.is_none());
    ordinary.map(|used| used.name.as_str()).collect()
}

/// The text of ARCHITECTURE.md with the table in its place.
pub(crate) fn put_into(text: &str, packages: &[Package]) -> anyhow::Result<String> {
    let parts = text.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let Some((before, after)) = parts else {
        bail!(
            "ARCHITECTURE.md has no place for the crate map.\n  The mend: add the lines {BEGIN} and {END} to it"
        );
    };
    Ok(format!("{before}{BEGIN}\n{}\n{END}{after}", table(packages)))
}

/// Reads ARCHITECTURE.md.
pub(crate) fn architecture() -> anyhow::Result<String> {
    let file = testbed::workspace::root().join("ARCHITECTURE.md");
    std::fs::read_to_string(file).context(
        "there is no ARCHITECTURE.md to put the crate map into.\n  The mend: write it, with the lines \
         <!-- crate-map:begin --> and <!-- crate-map:end -->",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crate_graph::Dependency;

    fn package(name: &str, uses: &[&str]) -> Package {
        let uses = uses.iter().map(|name| Dependency {
            name: (*name).into(),
            kind: None,
            path: Some("crates".into()),
            features: vec![],
        });
        Package {
            name: name.into(),
            description: Some(format!("About {name}.")),
            dependencies: uses.collect(),
        }
    }

    #[test]
    fn the_table_replaces_what_was_between_the_marks() {
        let packages = [package("store", &["domain"]), package("domain", &[])];
        let text = format!("# Map\n{BEGIN}\nold\n{END}\nmore\n");
        let expected = format!(
            "# Map\n{BEGIN}\n| crate | what it is for | uses |\n|---|---|---|\n| domain | About domain. | - |\n\
             | store | About store. | domain |\n{END}\nmore\n"
        );
        let once = put_into(&text, &packages).unwrap();
        assert_eq!(once, expected);
        assert_eq!(put_into(&once, &packages).unwrap(), once);
    }

    #[test]
    fn without_marks_the_mend_is_named() {
        assert!(put_into("# Map", &[]).unwrap_err().to_string().contains(BEGIN));
    }
}
