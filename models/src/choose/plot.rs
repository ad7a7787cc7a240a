//! The frontier as a picture.

use super::frontier::Point;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};
use plotters::prelude::{
    BLACK, ChartBuilder, Circle, Color, HSLColor, PathElement, SVGBackend, SeriesLabelPosition, WHITE,
};
use plotters::series::LineSeries;
use std::collections::BTreeMap;

/// Draws RAM (across) against instructions (up) as SVG; programs of like flash share a line.
pub fn svg(title: &str, points: &[Point]) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail, nor can drawing with a well-formed range.
    let _ = draw(&SVGBackend::with_string(&mut text, (960, 600)).into_drawing_area(), title, points);
    text
}

fn draw<'a>(
    area: &DrawingArea<SVGBackend<'a>, Shift>,
    title: &str,
    points: &[Point],
) -> Result<(), DrawingAreaErrorKind<<SVGBackend<'a> as plotters::prelude::DrawingBackend>::ErrorType>> {
    let most_ram = points.iter().map(|p| p.ram).max().unwrap_or(1) as f64;
    let most = points.iter().map(|p| p.instructions).fold(1.0, f64::max);
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 20))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(90)
        .build_cartesian_2d(0.0..most_ram * 1.05, 0.0..most * 1.05)?;
    chart.configure_mesh().x_desc("RAM, bytes").y_desc("instructions per inference").draw()?;
    let by_flash = by_flash(points);
    for (i, (flash, mut line)) in by_flash.iter().map(|(flash, line)| (flash, line.clone())).enumerate() {
        line.sort_by(|a, b| a.0.total_cmp(&b.0));
        let color = HSLColor(i as f64 / by_flash.len() as f64, 0.8, 0.4);
        chart.draw_series(line.iter().map(|at| Circle::new(*at, 3, color.filled())))?;
        chart
            .draw_series(LineSeries::new(line, &color))?
            .label(format!("flash up to {flash} KiB"))
            .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 16, y)], color));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK)
        .draw()?;
    area.present()
}

/// RAM and instructions of the points, by flash in whole steps of an eighth of the most.
fn by_flash(points: &[Point]) -> BTreeMap<usize, Vec<(f64, f64)>> {
    let most = points.iter().map(|p| p.flash).max().unwrap_or(1);
    let step = (most / 8).max(1024).next_multiple_of(1024);
    let mut all: BTreeMap<usize, Vec<(f64, f64)>> = BTreeMap::new();
    for point in points {
        let level = point.flash.div_ceil(step) * step / 1024;
        all.entry(level).or_default().push((point.ram as f64, point.instructions));
    }
    all
}
