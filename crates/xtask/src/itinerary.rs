use serde_json::Value;

/// A walk as a person reads it: each stop with the time on the way, how long to stay, and why.
pub(crate) fn itinerary(route: &Value) -> String {
    let stops = route["stops"].as_array().map_or(&[][..], Vec::as_slice);
    let total = route["duration_s"].as_u64().unwrap_or(0);
    let mut lines = vec![
        format!(
            "  {} on foot and at {} stops, {:.1} km",
            minutes(total),
            stops.len(),
            route["distance_m"].as_f64().unwrap_or(0.0) / 1000.0
        ),
        String::new(),
        format!("  {}  set out", clock(0)),
    ];
    for stop in stops {
        let name = stop["name"].as_str().unwrap_or("a place without a name");
        let (arrival, dwell) =
            (stop["arrival_s"].as_u64().unwrap_or(0), stop["dwell_s"].as_u64().unwrap_or(0));
        let order = stop["order"].as_u64().unwrap_or(0);
        lines.push(format!("  {}  {order:>2}. {name}, stay {}", clock(arrival), minutes(dwell)));
        if let Some(why) = stop["why"].as_str().filter(|why| !why.is_empty()) {
            lines.push(format!("             {why}"));
        }
    }
    let end = if route["params"]["end_location"].is_null() { "back at the start" } else { "at the end" };
    lines.push(format!("  {}  {end}", clock(total)));
    if let Some(attribution) = route["attribution"].as_str() {
        lines.extend([String::new(), format!("  {attribution}")]);
    }
    lines.join("\n")
}

/// What to show of a status on its way, such as `in_progress 40 %`.
pub(crate) fn status_line(event: &Value) -> String {
    let status = event["status"].as_str().unwrap_or("?");
    match event["progress"].as_f64() {
        Some(share) => format!("{status} {:.0} %", share * 100.0),
        None => status.to_owned(),
    }
}

/// Hours and minutes since the start.
fn clock(seconds: u64) -> String {
    let minutes = (seconds + 30) / 60;
    format!("{:>2}:{:02}", minutes / 60, minutes % 60)
}

fn minutes(seconds: u64) -> String {
    format!("{} min", (seconds + 30) / 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn it_tells_when_where_how_long_and_why() {
        let route = json!({
            "duration_s": 3660, "distance_m": 3140.0, "attribution": "© OpenStreetMap contributors",
            "params": {},
            "stops": [
                {"order": 1, "name": "Havis Amanda", "arrival_s": 250, "dwell_s": 300, "why": "A fountain."},
                {"order": 2, "arrival_s": 1000, "dwell_s": 60, "why": ""},
            ],
        });
        let expected = "  61 min on foot and at 2 stops, 3.1 km

   0:00  set out
   0:04   1. Havis Amanda, stay 5 min
             A fountain.
   0:17   2. a place without a name, stay 1 min
   1:01  back at the start

  © OpenStreetMap contributors";
        assert_eq!(itinerary(&route), expected);
    }

    #[test]
    fn progress_is_shown_in_per_cent() {
        assert_eq!(status_line(&json!({"status": "in_progress", "progress": 0.4})), "in_progress 40 %");
        assert_eq!(status_line(&json!({"status": "pending"})), "pending");
    }
}
