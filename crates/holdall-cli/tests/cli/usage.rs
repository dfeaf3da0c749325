//! What is refused before anything is asked of a store.

use crate::shell::Shell;

#[test]
fn usage_errors() {
    Shell::bare().with("HOLDALL_STORE", "memory://").transcript(
        "usage_errors",
        &[
            "",
            "frobnicate",
            "put",
            "get k --no-such-option",
            "put f --create-only --if-match e",
            "put f --meta novalue",
            "put - k --expected-size huge",
            "cat k --range 5..5",
            "cat k --range 1-2",
            "ls --endpoint ''",
            "presign k --post --method put",
            "presign k --max-size 5",
            "rm",
            "rm --all",
        ],
    );
}

#[test]
fn keys_that_are_none() {
    let shell = Shell::bare().with("HOLDALL_STORE", "memory://");
    shell.write("f", "x");
    let long = format!("put f {}", "k".repeat(1025));
    shell.transcript(
        "keys_that_are_none",
        &[
            "put f ''",
            &long,
            "put f .holdall/x",
            "put - s3://",
            "put -",
            "put ..",
            "get ''",
            "get dir/",
            "get a/..",
            "stat s3://b",
            "rm a ''",
            "rm -r ''",
            "rm -r a s3://b/",
            "cp a/ b/",
        ],
    );
}

#[test]
fn files_that_cannot_be_put() {
    let shell = Shell::bare().with("HOLDALL_STORE", "memory://");
    shell.write("d/f", "x").write("f", "x");
    shell.transcript(
        "files_that_cannot_be_put",
        &["put missing", "put d", "put /proc/self/mem k", "push missing", "push f", "push d --include ["],
    );
}

#[test]
fn expiries_and_ranges_out_of_bounds() {
    let shell = Shell::new();
    shell.server().put_object("b", "k", b"hello");
    shell.transcript(
        "out_of_bounds",
        &[
            "presign k --expires 8d",
            "presign k --expires 0",
            "presign k --expires soon",
            "presign k --post --expires 8d",
            "presign - --post",
            "cat k --range 5..",
            "cat k --range 9..12",
        ],
    );
}
