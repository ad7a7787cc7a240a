//! Rules of operators with state.

use super::{
    quant,
    view::{View, constant, rank, typed},
};
use crate::graph::{DType, Refusal, Tensor, refusal::ensure};

pub(super) fn svdf(v: &View, rank_: usize) -> Result<(), Refusal> {
    v.arity(5..=5, 1..=1)?;
    let (x, feature, time) = (v.input(0, "x")?, v.input(1, "feature weights")?, v.input(2, "time weights")?);
    let (state, y) = (v.input(4, "state")?, v.output(0));
    for (tensor, role) in [(x, "input"), (feature, "feature weights"), (time, "time weights"), (state, "state")] {
        rank(tensor, role, 2)?;
    }
    constant(feature, "feature weights")?;
    constant(time, "time weights")?;
    let (batch, filters, memory) = (x.shape[0], feature.shape[0], time.shape[1]);
    ensure!(rank_ > 0 && filters.is_multiple_of(rank_), "rank {rank_} does not divide the {filters} filters");
    ensure!(feature.shape[1] == x.shape[1], "feature weights {:?} do not fit input {:?}", feature.shape, x.shape);
    ensure!(time.shape[0] == filters, "time weights {:?} do not fit {filters} filters", time.shape);
    let state_size = memory.checked_mul(filters);
    ensure!(
        state.shape[0] == batch && state_size == Some(state.shape[1]),
        "state {:?} has the wrong shape",
        state.shape
    );
    let units = filters / rank_;
    v.output_shape(0, Some(vec![batch, units]))?;
    bias_of(v, 3, units, x.dtype)?;
    svdf_types([x, feature, time, state, y])
}

fn svdf_types([x, feature, time, state, y]: [&Tensor; 5]) -> Result<(), Refusal> {
    use DType::{F32, I8, I16};
    match [x, feature, time, state, y].map(|t| t.dtype) {
        [F32, F32, F32, F32, F32] => return Ok(()),
        [I8, I8, I16, I16, I8] | [I8, I8, I8, I8, I8] => {}
        [F32, ..] => {
            return Err(Refusal::unsupported("FLOAT32 input with quantized weights or state is not supported"));
        }
        types => return Err(Refusal::unsupported(format!("types {types:?} are not supported"))),
    }
    let [x, feature, time, state, y] =
        [quant::scale(x)?, quant::scale(feature)?, quant::scale(time)?, quant::scale(state)?, quant::scale(y)?];
    ensure!(feature.1 == 0 && time.1 == 0 && state.1 == 0, "weights and state must have zero point 0");
    quant::factor(x.0 * feature.0 / state.0)?;
    quant::factor(state.0 * time.0 / y.0)
}

pub(super) fn lstm(v: &View, time_major: bool, cell_clip: f32) -> Result<(), Refusal> {
    v.arity(15..=15, 1..=1)?;
    let (x, hidden, cell, y) =
        (v.input(0, "x")?, v.input(13, "hidden state")?, v.input(14, "cell state")?, v.output(0));
    rank(x, "input", 3)?;
    rank(hidden, "hidden state", 2)?;
    ensure!(cell_clip.is_finite() && cell_clip >= 0.0, "invalid cell clip {cell_clip}");
    let (batch, depth, units) = (x.shape[usize::from(time_major)], x.shape[2], hidden.shape[1]);
    for state in [hidden, cell] {
        ensure!(state.shape == [batch, units], "state {:?} must be {:?}", state.shape, [batch, units]);
    }
    for i in 1..9 {
        let w = v.input(i, "weights")?;
        constant(w, "weights")?;
        let wanted = [units, if i < 5 { depth } else { units }];
        ensure!(w.shape == wanted, "weights {:?} must be {wanted:?}", w.shape);
        typed(w, "weights", x.dtype)?;
    }
    for i in 9..13 {
        v.input(i, "bias")?;
        bias_of(v, i, units, x.dtype)?;
    }
    v.output_shape(0, Some(vec![x.shape[0], x.shape[1], units]))?;
    typed(y, "output", x.dtype)?;
    typed(hidden, "hidden state", x.dtype)?;
    match x.dtype {
        DType::F32 => typed(cell, "cell state", DType::F32),
        DType::I8 => lstm_scales(v, x, hidden, cell, y),
        other => Err(Refusal::unsupported(format!("type {other} is not supported here")).on(x)),
    }
}

fn lstm_scales(v: &View, x: &Tensor, hidden: &Tensor, cell: &Tensor, y: &Tensor) -> Result<(), Refusal> {
    typed(cell, "cell state", DType::I16)?;
    quant::same(hidden, y)?;
    let (cell_scale, zero_point) = quant::scale(cell)?;
    let exponent = cell_scale.log2();
    let power_of_two = (exponent - exponent.round()).abs() < 1e-3;
    if !power_of_two || zero_point != 0 {
        return Err(Refusal::invalid("the cell state's scale must be a power of two, its zero point 0").on(cell));
    }
    for i in 1..9 {
        let source = if i < 5 { x } else { hidden };
        let w = v.input(i, "weights")?;
        let (w_scale, zero_point) = quant::scale(w)?;
        if zero_point != 0 {
            return Err(Refusal::invalid("weights must have zero point 0").on(w));
        }
        // Gates are computed in Q3.12.
        quant::factor(quant::scale(source)?.0 * w_scale * 4096.0)?;
    }
    Ok(())
}

fn bias_of(v: &View, i: usize, length: usize, x: DType) -> Result<(), Refusal> {
    let Some(bias) = v.optional(i) else { return Ok(()) };
    constant(bias, "bias")?;
    typed(bias, "bias", if x == DType::F32 { DType::F32 } else { DType::I32 })?;
    ensure!(bias.shape == [length], "bias {:?} does not match the {length} units", bias.shape);
    Ok(())
}

pub(super) fn read_variable(v: &View) -> Result<(), Refusal> {
    v.arity(1..=1, 1..=1)?;
    let variable = v.input(0, "variable")?;
    quant::same(variable, v.output(0))?;
    v.output_shape(0, Some(variable.shape.clone()))
}

pub(super) fn assign_variable(v: &View) -> Result<(), Refusal> {
    v.arity(2..=2, 0..=0)?;
    let (variable, x) = (v.input(0, "variable")?, v.input(1, "x")?);
    quant::same(variable, x)?;
    ensure!(variable.shape == x.shape, "value {:?} for a variable of shape {:?}", x.shape, variable.shape);
    Ok(())
}
