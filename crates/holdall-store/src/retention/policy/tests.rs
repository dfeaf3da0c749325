use super::*;

const FULL: &str = r#"
[[rule]]
name = "frames"
prefix = "media/"
glob = "**/partial_movie_files/**"
tags = { keep = "no" }
expire_after = "30d"
transition_after = "12h"
storage_class = "GLACIER_IR"

[[rule]]
name = "past"
prefix = ""
expire_noncurrent_after = "30d"
keep_noncurrent = 3
abort_uploads_after = "7d"

[[rule]]
name = "runs"
prefix = "runs/"
keep_last = 5
"#;

#[test]
fn top_12_a_policy_says_what_it_says() {
    let policy = Policy::parse(FULL).unwrap();
    let [frames, past, runs] = policy.rules() else { panic!("{policy:?}") };
    let days = |n: u64| Duration::from_secs(n * 86_400);
    assert_eq!((frames.name(), frames.expire), ("frames", Some(days(30))));
    assert_eq!(frames.tags, [("keep".to_owned(), "no".to_owned())]);
    let moved = Transition { after: Duration::from_secs(43_200), class: "GLACIER_IR".to_owned() };
    assert_eq!(frames.transition, Some(moved));
    assert_eq!(past.noncurrent, Some(Noncurrent { after: days(30), keep: 3 }));
    assert_eq!((past.abort_uploads, runs.keep_last), (Some(days(7)), Some(5)));
}

#[test]
fn top_12_a_glob_is_of_what_follows_the_prefix() {
    let policy = Policy::parse(FULL).unwrap();
    let frames = &policy.rules()[0];
    for key in ["media/partial_movie_files/1", "media/a/b/partial_movie_files/c/1"] {
        assert!(frames.fits(key), "{key}");
    }
    for key in ["partial_movie_files/1", "media/partial_movie_files", "media/film.mp4"] {
        assert!(!frames.fits(key), "{key}");
    }
}

#[test]
fn a_policy_that_cannot_be_is_refused_by_the_name_of_its_rule() {
    let table = [
        ("no action", "", "the rule does nothing"),
        ("an unknown field", "expire_afer = \"1d\"", "no such field"),
        ("no age", "expire_after = \"0d\"", "more than nothing"),
        ("a negative age", "expire_after = \"-1d\"", "a rule of the policy cannot be used"),
        ("no unit", "expire_after = \"30\"", "has a unit"),
        ("a bare number", "expire_after = 30", "is a text"),
        ("keep none", "keep_last = 0", "from 1 on"),
        ("keep fewer", "keep_last = -1", "from 1 on"),
        ("a glob beside", "keep_last = 1\nglob = \"*\"", "write two rules"),
        ("an age beside", "keep_last = 1\nexpire_after = \"1d\"", "write two rules"),
        ("a broken glob", "glob = \"[\"\nexpire_after = \"1d\"", "not a pattern"),
        ("an empty glob", "glob = \"\"\nexpire_after = \"1d\"", "empty"),
        ("no class", "transition_after = \"1d\"", "storage_class"),
        ("a class alone", "storage_class = \"X\"", "transition_after"),
        ("a count alone", "keep_noncurrent = 1", "expire_noncurrent_after"),
        ("tags of uploads", "abort_uploads_after = \"1d\"\ntags = { a = \"b\" }", "told apart by tags"),
        ("no tags", "expire_after = \"1d\"\ntags = {}", "names and values"),
        ("a number of a tag", "expire_after = \"1d\"\ntags = { a = 1 }", "the value of a tag"),
    ];
    for (name, fields, why) in table {
        let text = format!("[[rule]]\nname = \"mine\"\nprefix = \"p/\"\n{fields}\n");
        let error = Policy::parse(&text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{name}");
        let said = error.to_string();
        assert!(said.contains(why) && said.contains("rule=mine"), "{name}: {said}");
    }
}

#[test]
fn what_is_no_policy_is_refused() {
    let rule = "[[rule]]\nname = \"a\"\nprefix = \"\"\nexpire_after = \"1d\"\n";
    let table = [
        ("nothing", String::new(), "no rule"),
        ("no TOML", "[[rule]".to_owned(), "no TOML"),
        ("something else", format!("{rule}[settings]\na = 1\n"), "nothing else"),
        ("one table", rule.replace("[[rule]]", "[rule]"), "nothing else"),
        ("one name", format!("{rule}{rule}"), "one name"),
        ("no name", rule.replace("name = \"a\"", ""), "no proper name"),
        ("an odd name", rule.replace("\"a\"", "\"a b\""), "no proper name"),
        ("no prefix", rule.replace("prefix = \"\"", ""), "missing"),
        ("a reserved prefix", rule.replace("prefix = \"\"", "prefix = \".holdall/\""), "kept for holdall"),
        (
            "no slash",
            rule.replace("expire_after = \"1d\"", "keep_last = 1").replace("\"\"", "\"runs\""),
            "slash",
        ),
    ];
    for (name, text, why) in table {
        let error = Policy::parse(&text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{name}");
        assert!(error.to_string().contains(why), "{name}: {error}");
    }
}
