//! A user who may do little: which rights suffice for what.

use std::time::Duration;

use holdall_oracle::{Bench, payload, read};
use holdall_s3::{
    Acl, Client, CompletedPart, CopyOptions, CopySource, Credentials, CredentialsSource, DeleteOptions,
    DeleteTarget, ErrorKind, GetOptions, ListOptions, PartCopyOptions, PresignOptions, PutOptions, Result,
    UploadHandle, WriteCondition,
};

use http::Method;

use crate::curl::curl;
use crate::sdk;

const MINUTE: Duration = Duration::from_secs(60);

/// The rights that holdall's core work is promised to need, and no more.
const CORE: [&str; 4] = ["s3:PutObject", "s3:GetObject", "s3:DeleteObject", "s3:ListBucket"];

/// A user made for one comparison, by Ceph's interface for administrators.
pub(crate) struct User<'a> {
    bench: &'a Bench,
    name: String,
}

impl<'a> User<'a> {
    pub(crate) async fn create(bench: &'a Bench) -> (Self, Credentials) {
        let user = Self { bench, name: bench.bucket.replace("holdall-oracle", "user") };
        let made = user.administer(Method::PUT, Some("user")).await;
        let made: serde_json::Value = serde_json::from_slice(&made).unwrap();
        let text = |field: &str| made["keys"][0][field].as_str().unwrap().to_owned();
        let credentials = Credentials::new(text("access_key"), text("secret_key"));
        (user, credentials)
    }

    pub(crate) async fn remove(self) {
        self.administer(Method::DELETE, None).await;
    }

    /// Ceph's interface for administrators looks like a bucket, and takes presigned URLs as well.
    async fn administer(&self, method: Method, display_name: Option<&str>) -> Vec<u8> {
        let admin = self.bench.client_with(|config| config.bucket = "admin".to_owned());
        let query = [("uid", Some(self.name.as_str())), ("display-name", display_name)];
        let query = query.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
        let options = PresignOptions { query: query.collect(), ..PresignOptions::new(MINUTE) };
        let url = admin.presign(&method, "user", &options).await.unwrap();
        let answer = curl(&["--request", method.as_str(), &url]).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.body
    }

    /// Lets the user do these things in the bucket.
    pub(crate) async fn allow(&self, actions: &[&str]) {
        let bucket = &self.bench.bucket;
        let policy = serde_json::json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": { "AWS": [format!("arn:aws:iam:::user/{}", self.name)] },
                "Action": actions,
                "Resource": [format!("arn:aws:s3:::{bucket}"), format!("arn:aws:s3:::{bucket}/*")],
            }],
        });
        let put = sdk::client(self.bench).put_bucket_policy().bucket(bucket).policy(policy.to_string());
        put.send().await.unwrap();
    }
}

pub(crate) fn client(bench: &Bench, credentials: Credentials) -> Client {
    bench.client_with(|config| config.credentials = CredentialsSource::fixed(credentials))
}

pub(crate) async fn evi_14_four_rights_suffice_for_core_work(bench: Bench) {
    let (user, credentials) = User::create(&bench).await;
    let holdall = client(&bench, credentials);
    let refused = holdall.put("key", payload("x"), &PutOptions::default()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
    user.allow(&CORE).await;
    core_work(&holdall).await;
    user.remove().await;
}

async fn core_work(holdall: &Client) {
    let plain = PutOptions::default();
    holdall.head_bucket().await.unwrap();
    holdall.put("key", payload("text"), &plain).await.unwrap();
    let only_new = PutOptions { condition: WriteCondition::Absent, ..plain.clone() };
    let refused = holdall.put("key", payload("x"), &only_new).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Precondition);
    assert_eq!(read(holdall, "key", &GetOptions::default()).await, b"text");
    assert_eq!(holdall.head("key", &GetOptions::default()).await.unwrap().size, 4);
    // The right to list is what makes an absent key "not found" instead of "denied".
    let absent = holdall.head("absent", &GetOptions::default()).await.unwrap_err();
    assert_eq!(absent.kind(), ErrorKind::NotFound);
    holdall.copy(&CopySource::new("key"), "copy", &CopyOptions::default()).await.unwrap();

    let upload = holdall.create_upload("parts", &plain).await.unwrap();
    let one = holdall.upload_part(&upload, 1, payload("text")).await.unwrap();
    let source = PartCopyOptions { source: CopySource::new("key"), range: None };
    holdall.upload_part_copy(&upload, 1, &source).await.unwrap();
    let parts = [CompletedPart { number: 1, etag: one.etag, checksum: None }];
    holdall.complete_upload(&upload, &parts, &WriteCondition::Always).await.unwrap();

    let page = holdall.list(ListOptions::default()).next().await.unwrap().unwrap();
    let keys: Vec<_> = page.objects.into_iter().map(|object| object.key).collect();
    assert_eq!(keys, ["copy", "key", "parts"]);
    holdall.delete("key", &DeleteOptions::default()).await.unwrap();
    let target = |key: &str| DeleteTarget { key: key.to_owned(), version: None };
    let failed = holdall.delete_batch(&[target("copy"), target("parts")]).await.unwrap();
    assert!(failed.is_empty(), "{failed:?}");
}

pub(crate) async fn evi_14_what_else_needs_a_right_of_its_own(bench: Bench) {
    let (user, credentials) = User::create(&bench).await;
    let holdall = client(&bench, credentials);
    user.allow(&CORE).await;
    let upload = holdall.create_upload("parts", &PutOptions::default()).await.unwrap();
    holdall.upload_part(&upload, 1, payload("text")).await.unwrap();
    for (right, guarded) in FURTHER {
        let refused = attempt(&holdall, right, &upload).await.err().map(|error| error.kind());
        assert_eq!(refused, guarded.then_some(ErrorKind::PermissionDenied), "{right}");
        user.allow(&[&CORE[..], &[right]].concat()).await;
        if let Err(error) = attempt(&holdall, right, &upload).await {
            panic!("{right} is not enough: {error:?}");
        }
        user.allow(&CORE).await;
    }
    user.remove().await;
}

/// The rights that AWS wants for more than core work, and whether Ceph wants them too.
const FURTHER: [(&str, bool); 10] = [
    ("s3:PutObjectTagging", false),
    ("s3:GetObjectTagging", false),
    ("s3:DeleteObjectTagging", false),
    ("s3:PutObjectAcl", false),
    ("s3:GetObjectVersion", false),
    ("s3:ListMultipartUploadParts", false),
    ("s3:ListBucketMultipartUploads", true),
    ("s3:GetBucketVersioning", true),
    ("s3:GetBucketLocation", true),
    ("s3:AbortMultipartUpload", true),
];

/// Does what a right is for.
async fn attempt(holdall: &Client, right: &str, upload: &UploadHandle) -> Result<()> {
    let tags = vec![("a".to_owned(), "b".to_owned())];
    match right {
        "s3:PutObjectTagging" => {
            let options = PutOptions { tags, ..PutOptions::default() };
            holdall.put("key", payload("x"), &options).await.map(drop)
        }
        "s3:PutObjectAcl" => {
            let options = PutOptions { acl: Some(Acl::PublicRead), ..PutOptions::default() };
            holdall.put("key", payload("x"), &options).await.map(drop)
        }
        "s3:GetObjectTagging" => holdall.object_tags("key").await.map(drop),
        "s3:DeleteObjectTagging" => holdall.delete_object_tags("key").await,
        "s3:ListMultipartUploadParts" => holdall.list_parts(upload, None).await.map(drop),
        "s3:ListBucketMultipartUploads" => holdall.list_uploads("", None).await.map(drop),
        "s3:GetBucketVersioning" => holdall.versioning().await.map(drop),
        "s3:GetBucketLocation" => holdall.bucket_location().await.map(drop),
        "s3:GetObjectVersion" => {
            let options = GetOptions { version: Some("null".to_owned()), ..GetOptions::default() };
            holdall.head("key", &options).await.map(drop)
        }
        "s3:AbortMultipartUpload" => holdall.abort_upload(upload).await,
        other => panic!("{other}"),
    }
}
