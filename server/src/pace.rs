//! Bodies that come too slowly hold a place that others wait for: they are broken off.

use std::{
    io,
    time::{Duration, Instant},
};

use axum::{body::Body, extract::Request, middleware::Next, response::Response};
use bytes::Bytes;
use futures::{Stream, StreamExt as _};

/// Between two pieces of a body.
const IDLE: Duration = Duration::from_secs(20);
/// From when on a body must have come at the least rate, in bytes a second.
const GRACE: Duration = Duration::from_secs(20);
const LEAST: u64 = 16 << 10;

/// Ends bodies that do not come on.
pub async fn body(request: Request, next: Next) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    let request = request.map(|body| Body::from_stream(paced(body.into_data_stream(), IDLE, GRACE, LEAST)));
    next.run(request).await
}

fn paced<E: Into<axum::BoxError>>(
    body: impl Stream<Item = Result<Bytes, E>> + Send + Unpin + 'static,
    idle: Duration,
    grace: Duration,
    least: u64,
) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let begun = Instant::now();
    futures::stream::unfold(Some((body, 0u64)), move |state| async move {
        let (mut body, mut came) = state?;
        let Ok(piece) = tokio::time::timeout(idle, body.next()).await else { return Some((Err(slow()), None)) };
        match piece? {
            Ok(piece) => {
                came += piece.len() as u64;
                let took = begun.elapsed();
                if took > grace && came < (took.as_secs_f64() * least as f64) as u64 {
                    return Some((Err(slow()), None));
                }
                Some((Ok(piece), Some((body, came))))
            }
            Err(e) => Some((Err(io::Error::other(e)), None)),
        }
    })
}

fn slow() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "it came too slowly; send it in pieces, which go on where they broke off")
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(pieces: &[(u64, usize)], idle: u64, grace: u64) -> io::Result<usize> {
        let pieces: Vec<_> = pieces.to_vec();
        let body = futures::stream::iter(pieces).then(|(after, bytes)| async move {
            tokio::time::sleep(Duration::from_millis(after)).await;
            Ok::<_, io::Error>(Bytes::from(vec![b'x'; bytes]))
        });
        let paced = paced(Box::pin(body), Duration::from_millis(idle), Duration::from_millis(grace), 10_000);
        let mut read = 0;
        let mut paced = std::pin::pin!(paced);
        while let Some(piece) = paced.next().await {
            read += piece?.len();
        }
        Ok(read)
    }

    #[tokio::test]
    async fn a_body_that_stops_or_drips_is_broken_off_and_a_steady_one_is_read() {
        assert_eq!(read(&[], 200, 100).await.expect("is empty"), 0);
        assert_eq!(read(&[(0, 5), (150, 5)], 10_000, 60_000).await.expect("ends within the grace"), 10);
        assert_eq!(read(&[(20, 100_000); 5], 10_000, 50).await.expect("is fast enough"), 500_000);
        for slow in [read(&[(0, 1), (2_000, 1)], 200, 60_000).await, read(&[(20, 1); 50], 2_000, 100).await] {
            assert_eq!(slow.expect_err("is slow").kind(), io::ErrorKind::TimedOut);
        }
    }
}
