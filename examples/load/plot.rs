//! A run as a picture: percentiles, and its course.

use std::error::Error;

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::report::{Moment, Percentiles, Report, duration};

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn Error + Send + Sync>>;

const WIDTH: u32 = 960;
const HEIGHT_OF_PANEL: u32 = 280;

/// Colours that are told apart by those who see red and green alike: Okabe and Ito's.
const COLOURS: [RGBColor; 5] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
];

/// A line of a panel.
struct Series {
    name: String,
    points: Vec<(f64, f64)>,
}

/// A run as SVG.
pub(crate) fn svg(report: &Report) -> Result<String, Box<dyn Error + Send + Sync>> {
    let course = course(report);
    let panels = 1 + course.len();
    let height = HEIGHT_OF_PANEL * u32::try_from(panels)? + 40;
    let mut text = String::new();
    {
        let root = SVGBackend::with_string(&mut text, (WIDTH, height)).into_drawing_area();
        root.fill(&WHITE)?;
        let title = format!(
            "agent {}, {} replies, {}",
            report.agent, report.answer, report.url
        );
        let root = root.titled(&title, ("sans-serif", 18))?;
        let areas = root.split_evenly((panels, 1));
        percentiles(&areas[0], report)?;
        for (area, (title, series)) in areas[1..].iter().zip(&course) {
            over_time(area, title, series)?;
        }
        root.present()?;
    }
    Ok(text)
}

/// Time against percentile. Each mark on the horizontal axis is another nine.
fn percentiles(area: &Area<'_>, report: &Report) -> Drawn {
    let of_step = report.steps.iter().flat_map(|step| {
        let curve = |what: &str, times: &Option<Percentiles>| {
            times.as_ref().map(|times| Series {
                name: format!("{what}, {}", step.name()),
                points: nines(times),
            })
        };
        [
            curve("first piece", &step.first_piece),
            curve("whole reply", &step.whole),
        ]
    });
    let series: Vec<_> = of_step
        .flatten()
        .filter(|series| !series.points.is_empty())
        .collect();
    let values = series
        .iter()
        .flat_map(|series| &series.points)
        .map(|(_, ms)| *ms);
    let (least, most) = values.fold((f64::MAX, 1.0), |(a, b), ms| (ms.min(a), ms.max(b)));
    let least = least.min(most / 10.0).max(0.01);
    let mut chart = ChartBuilder::on(area)
        .caption("time at each percentile", ("sans-serif", 15))
        .margin(8)
        .margin_right(40)
        .x_label_area_size(28)
        .y_label_area_size(70)
        .build_cartesian_2d((1.0..10_000.0).log_scale(), (least..most * 1.2).log_scale())?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .x_label_formatter(&|nines| match *nines {
            one if one < 1.5 => "0 %".to_owned(),
            share => format!("{} %", 100.0 - 100.0 / share),
        })
        .y_label_formatter(&|ms| duration(*ms))
        .y_labels(5)
        .draw()?;
    for (n, series) in series.into_iter().enumerate() {
        let colour = COLOURS[n % COLOURS.len()];
        chart
            .draw_series(LineSeries::new(series.points, colour.stroke_width(2)))?
            .label(series.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .draw()?;
    Ok(())
}

/// A curve over 1 / (1 - quantile): 1 is the least, 10 is the 90th percentile, 100 the 99th.
fn nines(times: &Percentiles) -> Vec<(f64, f64)> {
    let shown = times
        .curve
        .iter()
        .filter(|[quantile, _]| *quantile <= 0.9999);
    shown
        .map(|[quantile, ms]| (1.0 / (1.0 - quantile), *ms))
        .collect()
}

/// The panels of the run's course, steps one after the other.
fn course(report: &Report) -> Vec<(&'static str, Vec<Series>)> {
    type Value = fn(&Moment) -> Option<f64>;
    let panels: [(&str, &[(&str, Value)]); 4] = [
        (
            "first piece and whole reply over time, s",
            &[
                ("first piece p50", |at| seconds(at.first_p50_ms)),
                ("first piece p99", |at| seconds(at.first_p99_ms)),
                ("whole reply p50", |at| seconds(at.whole_p50_ms)),
                ("whole reply p99", |at| seconds(at.whole_p99_ms)),
            ],
        ),
        (
            "turns and errors in each point of time",
            &[
                ("turns", |at| Some(count(at.turns))),
                ("errors", |at| Some(count(at.errors))),
            ],
        ),
        (
            "memory of the process, MiB",
            &[("resident", |at| Some(count(at.memory_kib?) / 1024.0))],
        ),
        (
            "descriptors of the process",
            &[("open", |at| Some(count(at.descriptors?)))],
        ),
    ];
    let mut moments = Vec::new();
    let mut offset = 0.0;
    for step in &report.steps {
        moments.extend(
            step.timeline
                .iter()
                .map(|moment| (offset + moment.at_s, moment)),
        );
        offset += step.seconds;
    }
    let drawn = panels.map(|(title, lines)| {
        let series = lines.iter().map(|(name, value)| {
            let points = moments
                .iter()
                .filter_map(|(at, moment)| Some((*at, value(moment)?)));
            Series {
                name: (*name).to_owned(),
                points: points.collect(),
            }
        });
        let series: Vec<_> = series.filter(|series| !series.points.is_empty()).collect();
        (title, series)
    });
    drawn
        .into_iter()
        .filter(|(_, series)| !series.is_empty())
        .collect()
}

fn seconds(ms: Option<f64>) -> Option<f64> {
    ms.map(|ms| ms / 1000.0)
}

fn count(n: u64) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}

fn over_time(area: &Area<'_>, title: &str, series: &[Series]) -> Drawn {
    let points = || series.iter().flat_map(|series| &series.points);
    let end = points().map(|(at, _)| *at).fold(1.0, f64::max);
    let most = points().map(|(_, value)| *value).fold(1.0, f64::max);
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 15))
        .margin(8)
        .x_label_area_size(28)
        .y_label_area_size(70)
        .build_cartesian_2d(0.0..end, 0.0..most * 1.15)?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .x_label_formatter(&|at| format!("{at:.0} s"))
        .y_label_formatter(&|value| format!("{value:.0}"))
        .draw()?;
    for (n, series) in series.iter().enumerate() {
        let colour = COLOURS[n % COLOURS.len()];
        chart
            .draw_series(LineSeries::new(
                series.points.iter().copied(),
                colour.stroke_width(2),
            ))?
            .label(series.name.clone())
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE.mix(0.8))
        .draw()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::report;

    #[test]
    fn the_plot_is_well_formed_and_has_every_line() {
        let svg = svg(&report(800.0)).unwrap();
        let document = roxmltree::Document::parse(&svg).unwrap();
        let root = document.root_element();
        assert_eq!(root.tag_name().name(), "svg");
        let texts: Vec<_> = document
            .descendants()
            .filter_map(|node| node.text())
            .map(str::trim)
            .collect();
        for text in [
            "agent a<b>&\"c\", stream replies, http://127.0.0.1:3000/",
            "first piece, 10 conversations",
            "whole reply, 10 conversations",
            "memory of the process, MiB",
            "descriptors of the process",
            "99 %",
        ] {
            assert!(texts.contains(&text), "{text} is not in {texts:?}");
        }
        let lines = document
            .descendants()
            .filter(|node| node.has_tag_name("polyline"))
            .count();
        assert!(lines >= 8, "{lines}");
    }

    #[test]
    fn a_run_without_any_answer_is_drawn_too() {
        let mut report = report(1.0);
        report.steps[0].first_piece = None;
        report.steps[0].whole = None;
        report.steps[0].timeline.clear();
        roxmltree::Document::parse(&svg(&report).unwrap()).unwrap();
    }
}
