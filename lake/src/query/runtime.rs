//! The engine's own threads. Queries never run on the caller's runtime: a long poll there would starve every request.
//!
//! Three runtimes: `cpu` runs plans; `desk` plans, encodes and decodes, so that a cached answer does not stand in line
//! behind a heavy query; `clock` holds deadlines and cancellation, and never computes: its timers fire in time.

use std::num::NonZeroUsize;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::{LakeError, Result};

/// Planning and physical evaluation recurse as deep as the expression is; 2 MiB hold about 250 operators.
const STACK: usize = 64 << 20;

pub(super) struct Runtimes {
    cpu: Option<Runtime>,
    desk: Option<Runtime>,
    clock: Option<Runtime>,
    pub handles: Handles,
}

#[derive(Clone)]
pub(super) struct Handles {
    pub cpu: Handle,
    pub desk: Handle,
    pub clock: Handle,
}

impl Runtimes {
    pub(super) fn start() -> Result<Self> {
        let cores = std::thread::available_parallelism().map_or(2, NonZeroUsize::get);
        let cpu = build("query-cpu", cores.max(2), STACK)?;
        let desk = build("query-desk", cores.max(4), STACK)?;
        let clock = build("query-clock", 1, 2 << 20)?;
        let handles = Handles { cpu: cpu.handle().clone(), desk: desk.handle().clone(), clock: clock.handle().clone() };
        Ok(Self { cpu: Some(cpu), desk: Some(desk), clock: Some(clock), handles })
    }
}

impl Drop for Runtimes {
    fn drop(&mut self) {
        // A plain drop would wait, which panics inside of an async context.
        for runtime in [self.cpu.take(), self.desk.take(), self.clock.take()].into_iter().flatten() {
            runtime.shutdown_background();
        }
    }
}

fn build(name: &str, threads: usize, stack: usize) -> Result<Runtime> {
    Builder::new_multi_thread()
        .thread_name(name)
        .worker_threads(threads)
        .thread_stack_size(stack)
        .enable_all()
        .build()
        .map_err(|e| LakeError::Internal { detail: format!("the threads {name} cannot start"), source: Some(e.into()) })
}
