//! Qdrant Edge in the process: a folder of points with sparse and dense vectors, and the points nearest to a query.
//!
//! A folder has one handle at a time, held by a lock on its files. All calls block. A shard is written
//! once, by one thread, and only read afterwards: its flush must never meet an update.

use std::num::NonZeroUsize;
use std::path::Path;

use qdrant_edge::{
    Distance, EdgeConfigBuilder, EdgeOptimizersConfig, EdgeShard, EdgeSparseVectorParamsBuilder,
    EdgeVectorParamsBuilder, Modifier, NamedQuery, PointId, PointInsertOperations, PointOperations,
    PointStruct, QueryEnum, SearchRequest, UpdateOperation, Vector, VectorInternal, Vectors,
    WalOptions, WithPayloadInterface, WithVector,
};

use crate::ports::{PortError, PortErrorKind};

/// Points written with one operation: an operation is one record of the log, which bounds its memory.
const BATCH: usize = 256;
/// The log is deleted once a shard is written, so it need not be long.
const LOG_SEGMENT_BYTES: usize = 4 * 1024 * 1024;

/// Kilobytes of points from which they are packed: smaller indexes are faster built and opened as they are.
const PACKED_FROM_KB: usize = 2_000;

/// Dimensions and their weights, in any order, each dimension once.
pub type Sparse = Vec<(u32, f32)>;

/// A field of points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// How many numbers each vector has; `None` for sparse ones, whose rare dimensions weigh more.
    pub dense: Option<usize>,
}

/// A vector as a field holds it.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Of a sparse field.
    Sparse(Sparse),
    /// Of a dense one, compared by cosine.
    Dense(Vec<f32>),
}

impl Values {
    fn is_empty(&self) -> bool {
        match self {
            Self::Sparse(values) => values.is_empty(),
            Self::Dense(values) => values.is_empty(),
        }
    }

    fn into_vector(self) -> Result<Vector, PortError> {
        match self {
            Self::Dense(values) => Ok(Vector::new_dense(values)),
            Self::Sparse(values) => {
                let (dimensions, values): (Vec<u32>, Vec<f32>) = values.into_iter().unzip();
                Vector::new_sparse(dimensions, values)
                    .map_err(|e| classify("make index vector", &e))
            }
        }
    }
}

/// What is found: an id and its vectors by field.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Unique within its shard.
    pub id: u64,
    /// Its vectors, at most one per field.
    pub vectors: Vec<(&'static str, Values)>,
}

/// An open folder of points.
pub struct Shard(Option<EdgeShard>);

impl Drop for Shard {
    /// Closing writes what is already written once more, and panics where that fails: in a folder that somebody has
    /// deleted, there is nothing to write.
    fn drop(&mut self) {
        let Some(shard) = self.0.take() else { return };
        if shard.path().is_dir() {
            let closed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(shard)));
            if closed.is_err() {
                tracing::warn!("An index could not be flushed when it was closed");
            }
        } else {
            std::mem::forget(shard);
        }
    }
}

impl std::fmt::Debug for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Shard").field(&self.0.as_ref().map(EdgeShard::path)).finish()
    }
}

impl Shard {
    /// Writes points into an empty folder and closes it.
    pub fn write(
        folder: &Path,
        fields: &[Field],
        points: impl Iterator<Item = Point>,
    ) -> Result<(), PortError> {
        std::fs::create_dir_all(folder).map_err(|error| {
            PortError::new("create index folder", PortErrorKind::Permanent, error)
        })?;
        let mut config = EdgeConfigBuilder::new().wal_options(WalOptions {
            segment_capacity: LOG_SEGMENT_BYTES,
            segment_queue_len: 0,
            retain_closed: NonZeroUsize::MIN,
        });
        config = config.optimizers(EdgeOptimizersConfig {
            default_segment_number: Some(1),
            indexing_threshold: Some(PACKED_FROM_KB),
            ..EdgeOptimizersConfig::default()
        });
        for Field { name, dense } in fields {
            let params = EdgeSparseVectorParamsBuilder::new().modifier(Modifier::Idf).on_disk(true);
            config = match dense {
                None => config.sparse_vector(*name, params.build()),
                Some(size) => {
                    let params = EdgeVectorParamsBuilder::new(*size, Distance::Cosine);
                    config.vector(*name, params.on_disk(true).build())
                }
            };
        }
        let shard =
            EdgeShard::new(folder, config.build()).map_err(|e| classify("create index", &e))?;
        let mut batch = Vec::with_capacity(BATCH);
        for point in points {
            let vectors: Result<Vec<_>, PortError> = point
                .vectors
                .into_iter()
                .map(|(field, values)| Ok((field, values.into_vector()?)))
                .collect();
            let vectors = Vectors::new_named(vectors?);
            batch.push(PointStruct::new(point.id, vectors, serde_json::json!({})).into());
            if batch.len() == BATCH {
                upsert(&shard, std::mem::take(&mut batch))?;
            }
        }
        if !batch.is_empty() {
            upsert(&shard, batch)?;
        }
        // What is only read from now on is packed, and read from the file.
        shard.optimize().map_err(|e| classify("pack index", &e))?;
        // Closing flushes; the log then repeats what the segments hold.
        drop(shard);
        std::fs::remove_dir_all(folder.join("wal"))
            .map_err(|error| PortError::new("trim index", PortErrorKind::Permanent, error))
    }

    /// Opens a folder that [`Shard::write`] has written; a transient error when another handle has it.
    pub fn open(folder: &Path) -> Result<Self, PortError> {
        EdgeShard::load(folder, None)
            .map(|shard| Self(Some(shard)))
            .map_err(|error| classify("open index", &error))
    }

    /// Returns the points nearest to a query in one field, best first.
    pub fn nearest(
        &self,
        field: &str,
        query: &Values,
        limit: usize,
    ) -> Result<Vec<(u64, f32)>, PortError> {
        let Some(shard) = self.0.as_ref().filter(|_| !query.is_empty() && limit > 0) else {
            return Ok(Vec::new());
        };
        let vector = query.clone().into_vector()?;
        let query = NamedQuery::<VectorInternal> { query: vector.0, using: Some(field.into()) };
        // `query` plans and merges sub-queries, which a single one does not need.
        let found = shard.search(SearchRequest {
            query: QueryEnum::Nearest(query),
            filter: None,
            params: None,
            limit,
            offset: 0,
            with_payload: Some(WithPayloadInterface::Bool(false)),
            with_vector: Some(WithVector::Bool(false)),
            score_threshold: None,
        });
        let found = found.map_err(|error| classify("search index", &error))?;
        Ok(found
            .into_iter()
            .filter_map(|point| match point.id {
                PointId::NumId(id) => Some((id, point.score)),
                PointId::Uuid(_) => None,
            })
            .collect())
    }
}

fn upsert(
    shard: &EdgeShard,
    points: Vec<qdrant_edge::PointStructPersisted>,
) -> Result<(), PortError> {
    let insert = PointInsertOperations::PointsList(points);
    shard
        .update(UpdateOperation::PointOperation(PointOperations::UpsertPoints(insert)))
        .map_err(|error| classify("write index", &error))
}

/// A folder that another handle has is worth another way; everything else is a broken folder.
fn classify(operation: &'static str, error: &qdrant_edge::OperationError) -> PortError {
    let text = error.to_string();
    // The only sign of a taken lock is the text: `failed to open WAL ..: Can't init WAL: .. WouldBlock ..`.
    let busy = text.contains("WouldBlock") || text.contains("temporarily unavailable");
    let kind = if busy { PortErrorKind::Transient } else { PortErrorKind::Permanent };
    PortError::new(operation, kind, anyhow::anyhow!(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: [Field; 3] = [
        Field { name: "body", dense: None },
        Field { name: "subject", dense: None },
        Field { name: "meaning", dense: Some(2) },
    ];

    fn sparse(values: &[(u32, f32)]) -> Values {
        Values::Sparse(values.to_vec())
    }

    fn points() -> Vec<Point> {
        let dense = |values: [f32; 2]| ("meaning", Values::Dense(values.to_vec()));
        vec![
            Point {
                id: 1,
                vectors: vec![("body", sparse(&[(7, 1.0), (9, 0.5)])), dense([1.0, 0.0])],
            },
            Point { id: 2, vectors: vec![("body", sparse(&[(9, 1.0)])), dense([0.6, 0.8])] },
            Point { id: 3, vectors: vec![("subject", sparse(&[(7, 1.0)]))] },
        ]
    }

    #[test]
    fn a_written_folder_finds_its_points_field_by_field_with_the_rarity_of_each_dimension() {
        let folder = tempfile::tempdir().unwrap();
        Shard::write(folder.path(), &FIELDS, points().into_iter()).unwrap();
        let shard = Shard::open(folder.path()).unwrap();
        let body = shard.nearest("body", &sparse(&[(7, 1.0), (9, 1.0)]), 10).unwrap();
        // Two points have the field: ln(1 + (2 - 1 + 0.5) / 1.5) = 0.693 for 7, ln(1 + 0.5 / 2.5) = 0.182 for 9.
        assert_eq!(body.iter().map(|found| found.0).collect::<Vec<_>>(), [1, 2]);
        assert!((body[0].1 - 0.784_25).abs() < 0.001, "{body:?}");
        assert_eq!(shard.nearest("subject", &sparse(&[(7, 1.0)]), 10).unwrap()[0].0, 3);
        assert!(shard.nearest("body", &sparse(&[(1, 1.0)]), 10).unwrap().is_empty());
        assert!(shard.nearest("body", &sparse(&[]), 10).unwrap().is_empty());
        assert!(shard.nearest("nothing", &sparse(&[(1, 1.0)]), 10).is_err());
    }

    #[test]
    fn a_dense_field_is_compared_by_cosine() {
        let folder = tempfile::tempdir().unwrap();
        Shard::write(folder.path(), &FIELDS, points().into_iter()).unwrap();
        let shard = Shard::open(folder.path()).unwrap();
        let near = shard.nearest("meaning", &Values::Dense(vec![0.0, 3.0]), 10).unwrap();
        assert_eq!(near.iter().map(|found| found.0).collect::<Vec<_>>(), [2, 1]);
        assert!((near[0].1 - 0.8).abs() < 1e-4 && near[1].1.abs() < 1e-4, "{near:?}");
        assert!(shard.nearest("meaning", &Values::Dense(vec![1.0]), 10).is_err(), "another size");
    }

    #[test]
    fn a_second_handle_is_told_to_go_another_way() {
        let folder = tempfile::tempdir().unwrap();
        Shard::write(folder.path(), &FIELDS, points().into_iter()).unwrap();
        let first = Shard::open(folder.path()).unwrap();
        let error = Shard::open(folder.path()).unwrap_err();
        assert_eq!(error.kind, PortErrorKind::Transient, "{:?}", error.source);
        drop(first);
        Shard::open(folder.path()).unwrap();
        assert_eq!(
            Shard::open(&folder.path().join("no")).unwrap_err().kind,
            PortErrorKind::Permanent
        );
    }
}
