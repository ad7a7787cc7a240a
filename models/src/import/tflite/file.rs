//! Bytes to records: the flatbuffer's containers, read once, with every length bounded.

use crate::{
    graph::{Place, Refusal, ensure},
    import::Budget,
};
use tinderbox_tflite::{
    BufferRef, BuiltinOperator, BuiltinOptionsRef, Error, ErrorKind, ModelRef, OperatorCodeRef, OperatorRef,
    ReadAsRoot, SubGraphRef, TensorRef, Vector, VectorRead,
};

const SCHEMA_VERSION: u32 = 3;
/// Operators, tensors, and variables in a file, each.
pub(super) const MAX_RECORDS: usize = 1 << 16;

/// A file's contents.
pub(super) struct Model<'a> {
    pub(super) subgraphs: Vec<Subgraph<'a>>,
    buffers: Vec<BufferRef<'a>>,
    bytes: &'a [u8],
    pub(super) budget: Budget,
}

/// One list of operators over one list of tensors.
pub(super) struct Subgraph<'a> {
    pub(super) tensors: Vec<TensorRef<'a>>,
    /// Indices into `tensors`, as all of these; unchecked.
    pub(super) inputs: Vec<i32>,
    pub(super) outputs: Vec<i32>,
    pub(super) operators: Vec<Operator<'a>>,
}

/// One operator.
pub(super) struct Operator<'a> {
    pub(super) index: usize,
    pub(super) kind: BuiltinOperator,
    /// The kind, or for a custom operator its own name.
    pub(super) name: String,
    pub(super) version: i32,
    /// -1 where an optional input is absent; unchecked.
    pub(super) inputs: Vec<i32>,
    pub(super) outputs: Vec<i32>,
    pub(super) options: Option<BuiltinOptionsRef<'a>>,
}

impl<'a> Model<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Refusal> {
        let root = read(ModelRef::read_as_root(bytes))?;
        let version = read(root.version())?;
        if version != SCHEMA_VERSION {
            let what = format!("unsupported schema version {version}, {SCHEMA_VERSION} expected");
            return Err(Refusal::unsupported(what).help("convert the model anew with a current TensorFlow"));
        }
        let budget = Budget::of(bytes);
        let codes = tables(read(root.operator_codes())?, "operator codes", &budget)?;
        let subgraphs = tables(read(root.subgraphs())?, "subgraphs", &budget)?;
        let subgraphs = subgraphs.into_iter().map(|s| Subgraph::read(s, &codes, &budget)).collect::<Result<_, _>>()?;
        let buffers = tables(read(root.buffers())?, "buffers", &budget)?;
        Ok(Self { subgraphs, buffers, bytes, budget })
    }

    /// The contents of a buffer, empty where it has none.
    pub(super) fn buffer(&self, index: u32) -> Result<&'a [u8], Refusal> {
        let buffer = usize::try_from(index).ok().and_then(|i| self.buffers.get(i));
        let buffer = buffer.ok_or_else(|| {
            Refusal::invalid(format!("buffer {index} out of range: there are {}", self.buffers.len()))
        })?;
        // Files beyond 2 GB keep data outside of the flatbuffer; offsets 0 and 1 mean that this is none.
        let (offset, size) = (read(buffer.offset())?, read(buffer.size())?);
        if offset <= 1 {
            return Ok(read(buffer.data())?.unwrap_or_default());
        }
        let end = offset.checked_add(size).and_then(|end| usize::try_from(end).ok());
        let data = end.and_then(|end| self.bytes.get(offset as usize..end));
        data.ok_or_else(|| Refusal::invalid(format!("buffer offset {offset} + {size} out of range")))
    }
}

impl<'a> Subgraph<'a> {
    fn read(graph: SubGraphRef<'a>, codes: &[OperatorCodeRef<'a>], budget: &Budget) -> Result<Self, Refusal> {
        let operators = tables(read(graph.operators())?, "operators", budget)?.into_iter().enumerate();
        Ok(Self {
            tensors: tables(read(graph.tensors())?, "tensors", budget)?,
            inputs: list(read(graph.inputs())?, budget)?,
            outputs: list(read(graph.outputs())?, budget)?,
            operators: operators.map(|(i, o)| Operator::read(i, o, codes, budget)).collect::<Result<_, _>>()?,
        })
    }
}

impl<'a> Operator<'a> {
    fn read(
        index: usize,
        operator: OperatorRef<'a>,
        codes: &[OperatorCodeRef<'a>],
        budget: &Budget,
    ) -> Result<Self, Refusal> {
        let at = |refusal: Refusal, op: &str| refusal.at(|| Place { index, op: op.to_owned(), name: String::new() });
        let code = read(operator.opcode_index()).map_err(|r| at(r, "(unknown)"))?;
        let code = usize::try_from(code).ok().and_then(|i| codes.get(i)).ok_or_else(|| {
            at(
                Refusal::invalid(format!("operator code index {code} out of range: there are {}", codes.len())),
                "(unknown)",
            )
        })?;
        let kind = builtin(code).map_err(|r| at(r, "(unknown)"))?;
        let name = name(code, kind, budget).map_err(|r| at(r, kind.name()))?;
        let rest = || {
            Ok((
                read(code.version())?,
                edges(read(operator.inputs())?, budget)?,
                edges(read(operator.outputs())?, budget)?,
                read(operator.builtin_options())?,
            ))
        };
        let (version, inputs, outputs, options) = rest().map_err(|r| at(r, &name))?;
        Ok(Self { index, kind, name, version, inputs, outputs, options })
    }
}

/// Codes beyond 127 came later, in a field of their own.
fn builtin(code: &OperatorCodeRef) -> Result<BuiltinOperator, Refusal> {
    let kind = read(code.builtin_code())?;
    let deprecated = i32::from(read(code.deprecated_builtin_code())?);
    let number = deprecated.max(kind as i32);
    let unknown = || Refusal::invalid(format!("unknown builtin operator {number}"));
    match BuiltinOperator::try_from(number).map_err(|_| unknown())? {
        BuiltinOperator::PlaceholderForGreaterOpCodes => Err(unknown()),
        kind => Ok(kind),
    }
}

fn name(code: &OperatorCodeRef, kind: BuiltinOperator, budget: &Budget) -> Result<String, Refusal> {
    if kind != BuiltinOperator::Custom {
        return Ok(kind.name().to_owned());
    }
    let name = read(code.custom_code())?.unwrap_or_default();
    budget.spend(name.len())?;
    ensure!(!name.is_empty(), "custom operator without a name");
    Ok(name.to_owned())
}

/// A vector of tables, which must not be longer than sense allows.
fn tables<'a, T>(vector: Option<Vector<'a, Result<T, Error>>>, what: &str, budget: &Budget) -> Result<Vec<T>, Refusal>
where
    Result<T, Error>: VectorRead<'a>,
{
    let Some(vector) = vector else { return Ok(Vec::new()) };
    let len = vector.len();
    if len > MAX_RECORDS {
        return Err(Refusal::unsupported(format!("{len} {what}, at most {MAX_RECORDS} are supported")));
    }
    budget.spend(4 * len)?;
    vector.iter().map(read).collect()
}

/// A vector of numbers.
pub(super) fn list<'a, T: VectorRead<'a>>(vector: Option<Vector<'a, T>>, budget: &Budget) -> Result<Vec<T>, Refusal> {
    let Some(vector) = vector else { return Ok(Vec::new()) };
    budget.spend(size_of::<T>() * vector.len())?;
    Ok(vector.iter().collect())
}

/// An operator's tensors, which cost more to keep than to store.
fn edges(vector: Option<Vector<'_, i32>>, budget: &Budget) -> Result<Vec<i32>, Refusal> {
    budget.spend(16 * vector.map_or(0, |v| v.len()))?;
    list(vector, budget)
}

/// The value of a field, or why it cannot be read.
pub(super) fn read<T>(result: Result<T, Error>) -> Result<T, Refusal> {
    result.map_err(|error| {
        let field = error.source_location.method.trim_end_matches('_').replace('_', " ");
        Refusal::invalid(match error.error_kind {
            ErrorKind::UnknownEnumTag { source } if field == "builtin code" => {
                format!("unknown builtin operator {}", source.tag)
            }
            ErrorKind::UnknownEnumTag { source } => format!("unknown {field} {}", source.tag),
            ErrorKind::UnknownUnionTag { tag } => format!("unknown {field} type {tag}"),
            ErrorKind::InvalidUtf8 { .. } => format!("{field} is not valid UTF-8"),
            kind => format!("truncated or corrupt flatbuffer: {kind} in {}", error.source_location),
        })
    })
}
