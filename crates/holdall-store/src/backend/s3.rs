//! Not built yet.

use super::{Backend, BoxFuture, Limits, Listing, Upload};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Prefix};
use crate::object::{
    CopyOptions, DeleteFailure, DeleteOptions, Deleted, GetOptions, ListOptions, Metadata, Object,
    PresignOptions, PutOptions,
};
use crate::receipt::Receipt;
use crate::settings::Settings;
use crate::{Payload, PostForm, PostPolicy};
use std::sync::Arc;

/// A backend.
#[derive(Debug)]
pub struct S3Backend {}

#[allow(unused)]
impl S3Backend {
    /// Opens.
    pub fn open(bucket: &str, prefix: &Prefix, settings: &Settings) -> Result<Self> {
        Ok(Self {})
    }
}

fn no<T: Send + 'static>() -> BoxFuture<'static, Result<T>> {
    Box::pin(async { Err(Error::new(ErrorKind::Unsupported, "not built yet")) })
}

#[allow(unused)]
impl Backend for S3Backend {
    fn kind(&self) -> &'static str {
        ""
    }
    fn location(&self) -> String {
        String::new()
    }
    fn is_remote(&self) -> bool {
        false
    }
    fn limits(&self) -> Limits {
        Limits { max_put: 5 << 30, min_part: 5 << 20, max_part: 5 << 30, max_parts: 10_000 }
    }
    fn put<'a>(
        &'a self,
        key: &'a Key,
        payload: Payload,
        options: &'a PutOptions,
    ) -> BoxFuture<'a, Result<Receipt>> {
        no()
    }
    fn get<'a>(&'a self, key: &'a Key, options: &'a GetOptions) -> BoxFuture<'a, Result<Object>> {
        no()
    }
    fn head<'a>(&'a self, key: &'a Key, options: &'a GetOptions) -> BoxFuture<'a, Result<Metadata>> {
        no()
    }
    fn delete<'a>(&'a self, key: &'a Key, options: &'a DeleteOptions) -> BoxFuture<'a, Result<Deleted>> {
        no()
    }
    fn delete_batch<'a>(&'a self, keys: &'a [Key]) -> BoxFuture<'a, Result<Vec<DeleteFailure>>> {
        no()
    }
    fn copy<'a>(
        &'a self,
        from: &'a Key,
        to: &'a Key,
        options: &'a CopyOptions,
    ) -> BoxFuture<'a, Result<Receipt>> {
        no()
    }
    fn list(&self, options: ListOptions) -> Box<dyn Listing> {
        unreachable!("not built yet")
    }
    fn begin_upload<'a>(
        &'a self,
        key: &'a Key,
        options: &'a PutOptions,
    ) -> BoxFuture<'a, Result<Box<dyn Upload>>> {
        no()
    }
    fn presign<'a>(&'a self, key: &'a Key, options: &'a PresignOptions) -> BoxFuture<'a, Result<String>> {
        no()
    }
    fn presign_post<'a>(&'a self, policy: &'a PostPolicy) -> BoxFuture<'a, Result<PostForm>> {
        no()
    }
    fn public_url(&self, key: &Key) -> Option<String> {
        None
    }
    fn check(&self) -> BoxFuture<'_, Result<()>> {
        no()
    }
}
