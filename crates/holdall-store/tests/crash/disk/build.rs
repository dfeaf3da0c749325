//! Makes real files of what may be on a disk.

use super::image::Image;
use rustix::fs::{Timespec, Timestamps, UTIME_OMIT, XattrFlags};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;

/// Folders and files by their paths; a folder comes before what is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Tree {
    pub(crate) folders: Vec<String>,
    pub(crate) files: BTreeMap<String, Image>,
}

impl Tree {
    pub(crate) fn build(&self, at: &Path) {
        for folder in &self.folders {
            std::fs::create_dir(at.join(folder.trim_start_matches('/'))).unwrap();
        }
        for (path, image) in &self.files {
            write(&at.join(path.trim_start_matches('/')), image);
        }
    }
}

fn write(path: &Path, image: &Image) {
    let mut file = File::create_new(path).unwrap();
    file.write_all(&image.data).unwrap();
    if let Some(record) = &image.record {
        rustix::fs::fsetxattr(&file, "user.holdall", record, XattrFlags::empty()).unwrap();
    }
    let times = Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec {
            tv_sec: image.modified.div_euclid(1_000_000_000),
            tv_nsec: image.modified.rem_euclid(1_000_000_000),
        },
    };
    rustix::fs::futimens(&file, &times).unwrap();
}
