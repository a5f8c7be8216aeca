//! One run: from a logical plan to a whole result within its bounds of memory, rows and bytes.

use std::sync::{Arc, atomic::Ordering};

use arrow::compute::BatchCoalescer;
use datafusion::{
    error::DataFusionError,
    execution::{
        TaskContext,
        memory_pool::{MemoryConsumer, MemoryPool},
        runtime_env::RuntimeEnv,
    },
    physical_plan::execute_stream,
};
use futures::StreamExt;

use super::{cancel::stoppable, engine::Shared, flight::Flight, memory::QueryPool, millis};
use crate::{
    LakeError, Limits, Result, batch,
    govern::{GovernedPlan, execution_error},
    result::{BATCH_ROWS, ResultMeta, Shape, StoredResult},
};

pub(super) async fn run(shared: &Shared, flight: &Flight, plan: GovernedPlan, shape: Shape) -> Result<StoredResult> {
    let limits = &shared.limits;
    let fault = |e: DataFusionError| fault(e, limits);
    let memory: Arc<dyn MemoryPool> = Arc::new(QueryPool::new(Arc::clone(&shared.memory), limits.query_memory));
    let physical = stoppable(plan.physical().await?, &flight.stop).map_err(fault)?;
    let context = context(&plan, shared, &memory);
    let mut stream = execute_stream(physical, Arc::new(context)).map_err(fault)?;

    let held = MemoryConsumer::new("result").register(&memory);
    let mut pieces = BatchCoalescer::new(Arc::clone(&shape.schema), BATCH_ROWS);
    let mut batches = Vec::new();
    let (mut rows, mut bytes) = (0u64, 0u64);
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(fault)?;
        let batch = shape.cast(&batch).map_err(|e| fault(e.into()))?;
        let size = batch::bytes(&batch);
        rows += batch.num_rows() as u64;
        bytes += size as u64;
        within(rows, bytes, limits)?;
        held.try_grow(size).map_err(fault)?;
        pieces.push_batch(batch).map_err(|e| fault(e.into()))?;
        batches.extend(std::iter::from_fn(|| pieces.next_completed_batch()));
        flight.rows.store(rows, Ordering::Relaxed);
    }
    pieces.finish_buffered_batch().map_err(|e| fault(e.into()))?;
    batches.extend(std::iter::from_fn(|| pieces.next_completed_batch()));
    let meta = ResultMeta {
        owner: flight.owner.clone(),
        seen: flight.seen.clone(),
        rows,
        bytes,
        started_at: flight.started_at,
        elapsed_ms: millis(flight.started.elapsed()),
    };
    Ok(StoredResult { meta, columns: shape.columns, schema: shape.schema, batches })
}

/// The session's own context, with this query's memory and the engine's spill folder.
fn context(plan: &GovernedPlan, shared: &Shared, memory: &Arc<dyn MemoryPool>) -> TaskContext {
    let session = plan.session.task_ctx();
    let mut runtime = RuntimeEnv::clone(&session.runtime_env());
    runtime.memory_pool = Arc::clone(memory);
    runtime.disk_manager = Arc::clone(&shared.disk);
    TaskContext::new(
        session.task_id(),
        session.session_id(),
        session.session_config().clone(),
        session.scalar_functions().clone(),
        session.higher_order_functions().clone(),
        session.aggregate_functions().clone(),
        session.window_functions().clone(),
        Arc::new(runtime),
    )
}

fn within(rows: u64, bytes: u64, limits: &Limits) -> Result<()> {
    let cure = "add a LIMIT, a filter or an aggregation";
    if rows > limits.result_rows {
        let message = format!("the result has more than {} rows; {cure}", limits.result_rows);
        return Err(LakeError::Limit { message });
    }
    if bytes > limits.result_bytes {
        let message = format!("the result is larger than {} MiB; {cure}", limits.result_bytes >> 20);
        return Err(LakeError::Limit { message });
    }
    Ok(())
}

/// What the disk manager writes into an IO error when spills meet their bound; it has no kind of its own.
const SPILL_FULL: &str = "datafusion.runtime.max_temp_directory_size";

fn fault(e: DataFusionError, limits: &Limits) -> LakeError {
    let memory = matches!(e.find_root(), DataFusionError::ResourcesExhausted(_));
    if !memory && !e.to_string().contains(SPILL_FULL) {
        return execution_error(e);
    }
    tracing::info!(error = %e, "a query met a bound of memory or disk");
    let (one, spill) = (limits.query_memory >> 20, limits.spill >> 20);
    let message = format!(
        "the query needs more memory than there is for it ({one} MiB, and {spill} MiB of disk for all); select fewer \
         columns, filter earlier, or group by fewer values"
    );
    LakeError::Limit { message }
}
