//! Keys that clients like to change on the way.

/// Every key that is known to trip somebody, with 1,024 bytes, the longest that S3 has.
pub fn odd_keys() -> Vec<String> {
    let table = [
        "a b",
        "a+b",
        "a%b",
        "a%2Fb",
        "a#b",
        "a?b=c&d",
        "a~b",
        "caf\u{e9}",
        "cafe\u{301}",
        "\u{1f980}",
        "a//b",
        "a///b//",
        "/lead",
        "dir/",
        "./x",
        "a/./b",
        "a/../b",
        "a/..",
        "*'()!$&,:;=@[]{}|\\^`\"<>",
        " blanks ",
        "+",
        "a\tb",
        "a\nb",
        "a\r\nb",
        "a&amp;b",
    ];
    let longest = ["x".repeat(1024), "\u{e9}".repeat(512)];
    table.iter().map(|key| (*key).to_owned()).chain(longest).collect()
}
