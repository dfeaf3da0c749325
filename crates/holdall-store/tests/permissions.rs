//! Who may read what lies in a folder store.

#![allow(clippy::unwrap_used, reason = "a test")]

use holdall_store::{Settings, Store, Variables};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn what_is_closed_to_others_stays_so_when_it_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&format!("file://{}", folder.path().display()), &Settings::default()).unwrap();
    store.put("secret", "1").await.unwrap();
    let path = folder.path().join("secret");
    std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    store.put("secret", "2").await.unwrap();
    assert_eq!((mode(&path), std::fs::read_to_string(&path).unwrap()), (0o600, "2".to_owned()));
}

#[tokio::test]
async fn the_default_store_is_the_users_own_and_made_by_the_first_put() {
    let home = tempfile::tempdir().unwrap();
    let variables = Variables::from_pairs([("HOME", home.path().to_str().unwrap())]);
    let settings = Settings::from_variables(&variables).unwrap();
    let store = Store::from_settings(&settings).unwrap();
    let folder = home.path().join(".local/share/holdall/store");
    assert_eq!(store.list("").unwrap().collect().await.unwrap().objects, []);
    assert!(!store.exists("a").await.unwrap());
    store.delete("a").await.unwrap();
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0, "reading and deleting make nothing");
    store.put("a", "1").await.unwrap();
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(std::fs::read_to_string(folder.join("a")).unwrap(), "1");
    let data = Variables::from_pairs([("XDG_DATA_HOME", "/srv/data"), ("HOME", "/home/u")]);
    let told = Settings::from_variables(&data).unwrap().default_store;
    assert_eq!(told.as_deref(), Some(Path::new("/srv/data/holdall/store")));
    let nowhere = Store::from_settings(&Settings::default()).unwrap_err();
    assert_eq!(nowhere.kind(), holdall_store::ErrorKind::Config);
}

#[test]
fn journal_and_index_are_below_the_state_folder_or_home_and_never_relative() {
    let journal = |pairs: &[(&str, &str)]| {
        let settings = Settings::from_variables(&Variables::from_pairs(pairs.iter().copied())).unwrap();
        let beside = settings.journal.as_ref().map(|journal| journal.with_file_name("index"));
        assert_eq!(settings.index, beside);
        settings.journal
    };
    let state = ("XDG_STATE_HOME", "/srv/state");
    let home = ("HOME", "/home/u");
    assert_eq!(journal(&[state, home]), Some("/srv/state/holdall/journal".into()));
    assert_eq!(
        journal(&[("XDG_STATE_HOME", "state"), home]),
        Some("/home/u/.local/state/holdall/journal".into())
    );
    assert_eq!(journal(&[("XDG_STATE_HOME", "state"), ("HOME", ".")]), None);
    assert_eq!(journal(&[]), None);
    assert_eq!(Settings::default().journal, None);
}
