//! What was found once stays found: every input of `fuzz/corpus` is read by its target.

use std::{collections::BTreeSet, fs, panic};

use testbed::workspace;

#[test]
fn every_target_reads_its_corpus() {
    for (name, _) in fuzz_targets::TARGETS {
        let inputs = workspace::files_below(&workspace::root().join("fuzz/corpus").join(name));
        assert!(!inputs.is_empty(), "{name} has no corpus");
        for input in inputs {
            let bytes = fs::read(&input).unwrap_or_else(|error| panic!("{}: {error}", input.display()));
            let read = panic::catch_unwind(|| fuzz_targets::run(name, &bytes));
            assert!(read.is_ok(), "{name} fails on {}", input.display());
        }
    }
}

#[test]
fn every_corpus_has_a_target_and_every_target_a_program() {
    let targets: BTreeSet<String> =
        fuzz_targets::TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let names = |folder: &str| -> BTreeSet<String> {
        let files = workspace::files_below(&workspace::root().join("fuzz").join(folder));
        let below = files.iter().filter_map(|file| {
            let relative = file.strip_prefix(workspace::root().join("fuzz").join(folder)).ok()?;
            Some(
                relative
                    .components()
                    .next()?
                    .as_os_str()
                    .to_string_lossy()
                    .trim_end_matches(".rs")
                    .to_owned(),
            )
        });
        below.collect()
    };
    assert_eq!(names("corpus"), targets);
    assert_eq!(names("fuzz_targets"), targets);
}

#[test]
fn the_corpora_stay_small() {
    let files = workspace::files_below(&workspace::root().join("fuzz/corpus"));
    let bytes: u64 = files.iter().filter_map(|file| fs::metadata(file).ok()).map(|file| file.len()).sum();
    assert!(bytes < 200_000, "{bytes} bytes");
}
