//! Values for `$name` and `$1` from JSON. They enter the plan as literals, never as text.

use datafusion::common::{ParamValues, ScalarValue};
use model::Cell;

use crate::{LakeError, Result};

/// # Errors
/// [`LakeError::Invalid`] for arrays and objects.
pub(super) fn values(params: &serde_json::Map<String, Cell>) -> Result<ParamValues> {
    let named = params.iter().map(|(name, value)| {
        let value = match value {
            Cell::Null => ScalarValue::Null,
            Cell::Bool(b) => ScalarValue::Boolean(Some(*b)),
            Cell::String(s) => ScalarValue::Utf8(Some(s.clone())),
            Cell::Number(n) => match (n.as_i64(), n.as_f64()) {
                (Some(i), _) => ScalarValue::Int64(Some(i)),
                (None, Some(f)) => ScalarValue::Float64(Some(f)),
                _ => return Err(LakeError::invalid(format!("parameter `{name}` is no number that fits"))),
            },
            Cell::Array(_) | Cell::Object(_) => {
                return Err(LakeError::invalid(format!(
                    "parameter `{name}` is a list or object; give one text, number, boolean or null"
                )));
            }
        };
        Ok((name.trim_start_matches('$').to_owned(), value))
    });
    Ok(ParamValues::from(named.collect::<Result<Vec<_>>>()?))
}
