//! A real S3 server in this process, with its buckets in a temporary folder.

use std::sync::Arc;

use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use lake::StoreConfig;
use s3s::{S3, S3Request, S3Response, S3Result, auth::SimpleAuth, dto, s3_error, service::S3ServiceBuilder};
use s3s_fs::FileSystem;

const KEY: &str = "penstock-test";
const SECRET: &str = "penstock-test-secret";

/// Objects whose names begin so can be listed and not be read.
pub const LOCKED: &str = "locked-";

/// Told of each write before it takes effect and after; answers whether the request is to break off there.
pub type Watch = Arc<dyn Fn(Moment) -> bool + Send + Sync>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    Before,
    After,
}

/// Serves until it is dropped with its runtime.
pub struct S3Server {
    address: std::net::SocketAddr,
    _folder: tempfile::TempDir,
}

impl S3Server {
    /// A server with one bucket, `lake`, on a free port of the loopback interface.
    pub async fn start(watch: Option<Watch>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("lake")).unwrap();
        let mut service = S3ServiceBuilder::new(OneWriter {
            files: FileSystem::new(folder.path()).unwrap(),
            turn: tokio::sync::Mutex::default(),
            watch: watch.unwrap_or_else(|| Arc::new(|_| false)),
        });
        service.set_auth(SimpleAuth::from_single(KEY, SECRET));
        let service = service.build();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(socket), service).await.ok();
                });
            }
        });
        Self { address, _folder: folder }
    }

    /// The config of a lake in `bucket/prefix`.
    pub fn config(&self, bucket_and_prefix: &str) -> StoreConfig {
        let option = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        StoreConfig::Url {
            url: format!("s3://{bucket_and_prefix}").parse().unwrap(),
            options: vec![
                option("aws_endpoint", &format!("http://{}", self.address)),
                option("aws_allow_http", "true"),
                option("aws_region", "eu-central-1"),
                option("aws_access_key_id", KEY),
                option("aws_secret_access_key", SECRET),
            ],
        }
    }
}

/// The files, written one at a time: `If-None-Match` there looks first and writes then, which S3 does in one.
struct OneWriter {
    files: FileSystem,
    turn: tokio::sync::Mutex<()>,
    watch: Watch,
}

macro_rules! forward {
    ($($name:ident: $input:ident -> $output:ident),* $(,)?) => {
        #[async_trait::async_trait]
        impl S3 for OneWriter {
            async fn put_object(
                &self,
                request: S3Request<dto::PutObjectInput>,
            ) -> S3Result<S3Response<dto::PutObjectOutput>> {
                let _turn = self.turn.lock().await;
                let broken = || s3_error!(InternalError, "whoever asked is gone");
                if (self.watch)(Moment::Before) {
                    return Err(broken());
                }
                let answer = self.files.put_object(request).await;
                if (self.watch)(Moment::After) { Err(broken()) } else { answer }
            }
            async fn get_object(
                &self,
                request: S3Request<dto::GetObjectInput>,
            ) -> S3Result<S3Response<dto::GetObjectOutput>> {
                if request.input.key.rsplit('/').next().is_some_and(|name| name.starts_with(LOCKED)) {
                    return Err(s3_error!(AccessDenied, "the bucket's policy denies it"));
                }
                self.files.get_object(request).await
            }
            $(
                async fn $name(&self, request: S3Request<dto::$input>) -> S3Result<S3Response<dto::$output>> {
                    self.files.$name(request).await
                }
            )*
        }
    };
}

forward! {
    head_object: HeadObjectInput -> HeadObjectOutput,
    list_objects_v2: ListObjectsV2Input -> ListObjectsV2Output,
    delete_object: DeleteObjectInput -> DeleteObjectOutput,
    delete_objects: DeleteObjectsInput -> DeleteObjectsOutput,
    copy_object: CopyObjectInput -> CopyObjectOutput,
    create_multipart_upload: CreateMultipartUploadInput -> CreateMultipartUploadOutput,
    upload_part: UploadPartInput -> UploadPartOutput,
    complete_multipart_upload: CompleteMultipartUploadInput -> CompleteMultipartUploadOutput,
    abort_multipart_upload: AbortMultipartUploadInput -> AbortMultipartUploadOutput,
}
