//! What a damaged file makes the reader of the format do is an error like others.

use std::{
    cell::{Cell, RefCell},
    panic::{self, AssertUnwindSafe, PanicHookInfo},
    path::Path,
    sync::Once,
};

use anyhow::anyhow;

thread_local! {
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
    static SAID: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs what reads a file. Where it panics, that is the error, and nothing is printed.
pub(crate) fn guarded<T>(read: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if IS_GUARDED.get() { SAID.set(Some(in_short(panic))) } else { before(panic) }
        }));
    });
    let was_guarded = IS_GUARDED.replace(true);
    // What it leaves half done is dropped with it.
    let result = panic::catch_unwind(AssertUnwindSafe(read));
    IS_GUARDED.set(was_guarded);
    result.unwrap_or_else(|_| Err(anyhow!(SAID.take().unwrap_or_default())))
}

fn in_short(panic: &PanicHookInfo<'_>) -> String {
    let said = panic.payload_as_str().unwrap_or("no word of why");
    let Some(at) = panic.location() else { return said.to_owned() };
    let file = Path::new(at.file()).file_name().unwrap_or_default();
    format!("its reader gave up: {said} ({}:{})", file.display(), at.line())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_that_says_where() {
        let error = guarded::<()>(|| panic!("index {} is out of range", 7)).unwrap_err().to_string();
        assert!(error.starts_with("its reader gave up: index 7 is out of range (guard.rs:"), "{error}");
        assert_eq!(guarded(|| Ok(7)).unwrap(), 7);
        // Inside of another one.
        let error = guarded(|| {
            assert!(guarded::<()>(|| panic!("inner")).is_err());
            guarded::<()>(|| panic!("outer"))
        });
        assert!(error.unwrap_err().to_string().contains("outer"));
        assert!(!IS_GUARDED.get());
    }
}
