use serde_json::{Value, json};
use testbed::{Options, StatusCode};
use uuid::Uuid;

use crate::{
    raw::Raw,
    town::{START, Town},
    wrongs,
};

/// A wish in which every field is given, to be spoiled.
struct Wish(Value);

impl Wish {
    /// With any text, JSON or not, in the place of a member.
    fn with(&self, pointer: &str, text: &str) -> Vec<u8> {
        let mut wish = self.0.clone();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        match wish.pointer_mut(parent).unwrap() {
            Value::Array(list) => list[name.parse::<usize>().unwrap()] = json!("@"),
            object => object[name] = json!("@"),
        }
        wish.to_string().replace("\"@\"", text).into_bytes()
    }

    fn without(&self, pointer: &str) -> Vec<u8> {
        let mut wish = self.0.clone();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        wish.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
        wish.to_string().into_bytes()
    }

    /// With so many bytes of white space behind it that the whole is `length` bytes long.
    fn of_length(&self, length: usize) -> Vec<u8> {
        let mut wish = self.0.to_string().into_bytes();
        wish.resize(length, b' ');
        wish
    }
}

fn full_wish(town: &Town) -> Wish {
    Wish(json!({
        "start_location": {"type": "Point", "coordinates": START},
        "duration_minutes": 45,
        "interest_theme_ids": town.themes[..3],
        "popularity_bias": 0.5,
        "accessibility": {"avoid_stairs": false, "prefer_well_lit": false},
        "end_location": {"type": "Point", "coordinates": START},
        "seed": 7,
        "start_time": "2026-05-17T10:30"
    }))
}

type Pointers = &'static [&'static str];
type Case = (&'static str, Vec<u8>, u16, Pointers);

fn what_is_no_json(wish: &Wish) -> Vec<Case> {
    let text = wish.0.to_string();
    let case = |name, body: &[u8]| (name, body.to_vec(), 400, &[][..]);
    vec![
        case("nothing at all", b""),
        case("white space", b"  \n"),
        case("an opening brace", b"{"),
        case("a wish cut in half", &text.as_bytes()[..text.len() / 2]),
        case("a wish without its last brace", &text.as_bytes()[..text.len() - 1]),
        case("two wishes", format!("{text}{text}").as_bytes()),
        case("a comma before the end", format!("{},}}", text.trim_end_matches('}')).as_bytes()),
        case("single quotes", text.replace('"', "'").as_bytes()),
        case("a comment", format!("/* please */{text}").as_bytes()),
        case("a byte order mark", format!("\u{feff}{text}").as_bytes()),
        case("a form", b"duration_minutes=45&seed=7"),
        case("XML", b"<?xml version=\"1.0\"?><wish/>"),
        case(
            "not UTF-8",
            &text
                .replace("Point", "P\u{1}int")
                .bytes()
                .map(|b| if b == 1 { 0xff } else { b })
                .collect::<Vec<_>>(),
        ),
        case(
            "an overlong UTF-8 form",
            &wish
                .with("/seed", "\"@@\"")
                .into_iter()
                .map(|b| if b == b'@' { 0xc0 } else { b })
                .collect::<Vec<_>>(),
        ),
        case("half a surrogate pair", &wish.with("/interest_theme_ids/0", r#""\ud83d""#)),
        case("a control character in a text", &wish.with("/interest_theme_ids/0", "\"\u{1}\"")),
        case("NaN", &wish.with("/popularity_bias", "NaN")),
        case("Infinity", &wish.with("/popularity_bias", "Infinity")),
        case("-Infinity among the coordinates", &wish.with("/start_location/coordinates/0", "-Infinity")),
        case("a number beyond all doubles", &wish.with("/duration_minutes", "1e999")),
        case("a longitude beyond all doubles", &wish.with("/start_location/coordinates/0", "-1e999")),
        case("a leading zero", &wish.with("/duration_minutes", "045")),
        case("a leading plus", &wish.with("/duration_minutes", "+45")),
        case("a hexadecimal number", &wish.with("/duration_minutes", "0x2d")),
        case("a thousand lists in each other", &[b"[".repeat(1000), b"]".repeat(1000)].concat()),
        case(
            "a thousand lists in a field",
            &wish.with("/seed", &["[".repeat(1000), "]".repeat(1000)].concat()),
        ),
        case(
            "a thousand objects in each other",
            &[br#"{"a":"#.repeat(1000), b"1".to_vec(), b"}".repeat(1000)].concat(),
        ),
    ]
}

fn what_is_no_wish(wish: &Wish) -> Vec<Case> {
    let case = |name, body: &str, pointers: Pointers| (name, body.as_bytes().to_vec(), 422, pointers);
    let with =
        |name, pointer, text: &str, pointers: Pointers| (name, wish.with(pointer, text), 422, pointers);
    let without = |name, pointer, pointers: Pointers| (name, wish.without(pointer), 422, pointers);
    vec![
        case("a list", "[]", &[""]),
        case("null", "null", &[""]),
        case("a text", "\"a walk, please\"", &[""]),
        case("a number", "45", &[""]),
        case("an empty wish", "{}", &["/duration_minutes", "/interest_theme_ids", "/start_location"]),
        with("an unknown field", "/colour", "\"red\"", &["/colour"]),
        with("an unknown field that is null", "/colour", "null", &["/colour"]),
        with("an unknown field of a name to be escaped", "/a", "0,\"b/c~d\":1", &["/a", "/b~1c~0d"]),
        with("a field in another letter case", "/Seed", "7", &["/Seed"]),
        with("a prototype", "/__proto__", "{}", &["/__proto__"]),
        with(
            "several wrong fields",
            "/seed",
            "-1,\"popularity_bias\":2,\"duration_minutes\":0",
            &["/duration_minutes", "/popularity_bias", "/seed"],
        ),
        with("a field that is there twice, the second time wrong", "/seed", "7,\"seed\":-1", &["/seed"]),
    ]
    .into_iter()
    .chain([
        without("no start", "/start_location", &["/start_location"][..]),
        without("no duration", "/duration_minutes", &["/duration_minutes"]),
        without("no themes", "/interest_theme_ids", &["/interest_theme_ids"]),
    ])
    .collect()
}

fn both_ends(wish: &Wish, place: [f64; 2]) -> Vec<u8> {
    let mut wish = wish.0.clone();
    for end in ["start_location", "end_location"] {
        wish[end]["coordinates"] = json!(place);
    }
    wish.to_string().into_bytes()
}

fn wrong_places(wish: &Wish) -> Vec<Case> {
    let start =
        |name, text: &str, pointers: Pointers| (name, wish.with("/start_location", text), 422, pointers);
    let at = |name, text: &str, pointers: Pointers| {
        (name, wish.with("/start_location/coordinates", text), 422, pointers)
    };
    let end = |name, text: &str, pointers: Pointers| {
        (name, wish.with("/end_location/coordinates", text), 422, pointers)
    };
    let whole: &[&str] = &["/start_location/coordinates"];
    vec![
        start("a start that is null", "null", &["/start_location"]),
        start("a start that is an address", "\"Aleksanterinkatu 50\"", &["/start_location"]),
        start("a start that is a bare pair", "[24.94, 60.17]", &["/start_location"]),
        start("a start that is empty", "{}", &["/start_location/coordinates", "/start_location/type"]),
        start("a start without coordinates", r#"{"type":"Point"}"#, &["/start_location/coordinates"]),
        start("a start without a type", r#"{"coordinates":[24.94,60.17]}"#, &["/start_location/type"]),
        start(
            "a start with a reference system",
            r#"{"type":"Point","coordinates":[24.94,60.17],"crs":4326}"#,
            &["/start_location/crs"],
        ),
        start(
            "a start that is a feature",
            r#"{"type":"Feature","geometry":null}"#,
            &["/start_location/coordinates", "/start_location/geometry", "/start_location/type"],
        ),
        start(
            "a start that is a line",
            r#"{"type":"LineString","coordinates":[[24,60],[25,60]]}"#,
            &["/start_location/coordinates", "/start_location/type"],
        ),
        (
            "a type in another letter case",
            wish.with("/start_location/type", "\"point\""),
            422,
            &["/start_location/type"],
        ),
        ("a type that is null", wish.with("/start_location/type", "null"), 422, &["/start_location/type"]),
        ("a type that is a number", wish.with("/start_location/type", "1"), 422, &["/start_location/type"]),
        at("coordinates that are null", "null", whole),
        at("coordinates that are a text", "\"24.94,60.17\"", whole),
        at("coordinates that are an object", r#"{"lon":24.94,"lat":60.17}"#, whole),
        at("no coordinates", "[]", whole),
        at("one coordinate", "[24.94]", whole),
        at("three coordinates", "[24.94,60.17,12]", whole),
        at("coordinates that are texts", r#"["24.94","60.17"]"#, whole),
        at("a coordinate that is null", "[24.94,null]", whole),
        at("a list of pairs", "[[24.94,60.17]]", whole),
        at("a hundred lists in each other", &["[".repeat(100), "]".repeat(100)].concat(), whole),
        at("a longitude of 181 degrees", "[181,60.17]", &["/start_location/coordinates/0"]),
        at("a longitude of -180.00001 degrees", "[-180.00001,60.17]", &["/start_location/coordinates/0"]),
        at("a latitude of 95 degrees", "[24.94,95]", &["/start_location/coordinates/1"]),
        at(
            "both out of range",
            "[181,95]",
            &["/start_location/coordinates/0", "/start_location/coordinates/1"],
        ),
        at(
            "enormous degrees",
            "[1e308,-1e308]",
            &["/start_location/coordinates/0", "/start_location/coordinates/1"],
        ),
        at("latitude before longitude", "[60.1687,24.9410]", &["/start_location"]),
        at("a start in Paris", "[2.3522,48.8566]", &["/start_location"]),
        at("a start on the null island", "[-0.0,-0.0]", &["/start_location"]),
        at("a start at the pole", "[180,90]", &["/start_location"]),
        end("an end in Paris", "[2.3522,48.8566]", &["/end_location"]),
        end("an end out of range", "[24.94,-90.5]", &["/end_location/coordinates/1"]),
        ("an end that is null", wish.with("/end_location", "null"), 422, &["/end_location"]),
        (
            "an end with an unknown field",
            wish.with("/end_location/name", "\"home\""),
            422,
            &["/end_location/name"],
        ),
        (
            "both ends in Paris",
            both_ends(wish, [2.3522, 48.8566]),
            422,
            &["/end_location", "/start_location"],
        ),
    ]
}

fn wrong_wishes(wish: &Wish, themes: &[String]) -> Vec<Case> {
    let minutes =
        |name, text: &str| (name, wish.with("/duration_minutes", text), 422, &["/duration_minutes"][..]);
    let list =
        |name, text: &str, pointers: Pointers| (name, wish.with("/interest_theme_ids", text), 422, pointers);
    let bias = |name, text: &str| (name, wish.with("/popularity_bias", text), 422, &["/popularity_bias"][..]);
    let seed = |name, text: &str| (name, wish.with("/seed", text), 422, &["/seed"][..]);
    let start_time = |name, text: &str| (name, wish.with("/start_time", text), 422, &["/start_time"][..]);
    let needs =
        |name, text: &str, pointers: Pointers| (name, wish.with("/accessibility", text), 422, pointers);
    let (known, unknown) = (&themes[0], Uuid::new_v4());
    let too_many: Vec<Uuid> = (0..21).map(|_| Uuid::new_v4()).collect();
    let nil = Uuid::nil();
    vec![
        minutes("minutes that are null", "null"),
        minutes("minutes as a text", "\"45\""),
        minutes("minutes as a list", "[45]"),
        minutes("minutes as true", "true"),
        minutes("half a minute too much", "45.5"),
        minutes("four minutes", "4"),
        minutes("no minutes", "0"),
        minutes("minus zero minutes", "-0"),
        minutes("negative minutes", "-45"),
        minutes("481 minutes", "481"),
        minutes("minutes that would be 45 in sixteen bits", "65581"),
        minutes("a billion minutes", "1e9"),
        minutes("more minutes than 64 bits hold", "18446744073709551661"),
        list("themes that are null", "null", &["/interest_theme_ids"]),
        list("a theme's name", "\"Street Art\"", &["/interest_theme_ids"]),
        list("themes as an object", "{}", &["/interest_theme_ids"]),
        list("no themes", "[]", &["/interest_theme_ids"]),
        list("21 themes", &json!(too_many).to_string(), &["/interest_theme_ids"]),
        list("a theme that is no id", "[\"Street Art\"]", &["/interest_theme_ids/0"]),
        list("a theme that is a number", &format!("[\"{known}\",1]"), &["/interest_theme_ids/1"]),
        list("a theme that is null", "[null]", &["/interest_theme_ids/0"]),
        list("a theme with a NUL", r#"["\u0000"]"#, &["/interest_theme_ids/0"]),
        list("a theme that tries SQL", r#"["' OR 1=1 --"]"#, &["/interest_theme_ids/0"]),
        list("a theme twice", &format!("[\"{known}\",\"{known}\"]"), &["/interest_theme_ids/1"]),
        list(
            "a theme twice, once in capitals",
            &format!("[\"{known}\",\"{}\"]", known.to_uppercase()),
            &["/interest_theme_ids/1"],
        ),
        list("an unknown theme", &format!("[\"{known}\",\"{unknown}\"]"), &["/interest_theme_ids/1"]),
        list(
            "two unknown themes",
            &format!("[\"{unknown}\",\"{known}\",\"{nil}\"]"),
            &["/interest_theme_ids/0", "/interest_theme_ids/2"],
        ),
        bias("a bias that is null", "null"),
        bias("a bias as a text", "\"0.5\""),
        bias("a bias of 1.01", "1.01"),
        bias("a bias just above one", "1.0000000000000002"),
        bias("a bias of -0.1", "-0.1"),
        bias("the smallest negative bias", "-5e-324"),
        bias("a bias as a list", "[0.5]"),
        seed("a seed that is null", "null"),
        seed("a negative seed", "-1"),
        seed("a seed of 2^32", "4294967296"),
        seed("a seed of one and a half", "1.5"),
        seed("a seed as a text", "\"7\""),
        start_time("a start that is null", "null"),
        start_time("a start as a number", "1779013800"),
        start_time("a start with a zone", "\"2026-05-17T10:30Z\""),
        start_time("a start on no day", "\"2026-02-30T10:30\""),
        start_time("a start in another century", "\"1926-05-17T10:30\""),
        needs("needs that are null", "null", &["/accessibility"]),
        needs("needs as true", "true", &["/accessibility"]),
        needs("needs as a list", "[\"avoid_stairs\"]", &["/accessibility"]),
        needs("a need as a text", r#"{"avoid_stairs":"yes"}"#, &["/accessibility/avoid_stairs"]),
        needs("a need as a number", r#"{"prefer_well_lit":1}"#, &["/accessibility/prefer_well_lit"]),
        needs("a need that is null", r#"{"avoid_stairs":null}"#, &["/accessibility/avoid_stairs"]),
        needs("a need that is misspelt", r#"{"avoid_stair":true}"#, &["/accessibility/avoid_stair"]),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_that_is_wrong_is_a_problem_that_points_at_what_is_wrong_and_stores_nothing() {
    let town = Town::start(Options::default()).await;
    let walker = town.walker().await;
    let cookie = walker.cookie().unwrap();
    let wish = full_wish(&town);
    let cases = [
        what_is_no_json(&wish),
        what_is_no_wish(&wish),
        wrong_places(&wish),
        wrong_wishes(&wish, &town.themes),
        vec![
            ("a body one byte too long", wish.of_length(16 * 1024 + 1), 413, &[]),
            ("a body of two megabytes", wish.of_length(2 * 1024 * 1024), 413, &[]),
        ],
    ]
    .concat();
    let before = town.rows().await;
    let mut wrongs = Vec::new();
    for (name, body, status, pointers) in &cases {
        let answer = Raw::post_route(body).header("Cookie", cookie).send(&town.gateway).await;
        let Some(answer) = answer else {
            wrongs.push(format!("{name}: the server closed without an answer"));
            continue;
        };
        let mut found = wrongs::of_problem(&answer, *status);
        let problem = answer.json();
        if wrongs::pointers(&problem) != *pointers {
            found.push(format!("it points at {:?}, not at {pointers:?}", wrongs::pointers(&problem)));
        }
        if town.rows().await != before {
            found.push("something was stored".into());
        }
        wrongs.extend(found.into_iter().map(|what| format!("{name}: {what}")));
    }
    assert!(wrongs.is_empty(), "{} cases, and these went wrong:\n{}", cases.len(), wrongs.join("\n"));
    assert!(cases.len() >= 100, "only {} cases", cases.len());
    // After all of that the gateway still takes a good one.
    let answer =
        Raw::post_route(wish.0.to_string()).header("Cookie", cookie).send(&town.gateway).await.unwrap();
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_that_only_looks_odd_is_accepted() {
    let town = Town::start(Options::default()).await;
    let wish = full_wish(&town);
    let all: Vec<&String> = town.themes.iter().take(20).collect();
    let cases = [
        ("a bias of minus zero", wish.with("/popularity_bias", "-0.0")),
        ("a bias of an exponent", wish.with("/popularity_bias", "5E-1")),
        ("the shortest walk", wish.with("/duration_minutes", "5")),
        ("the longest walk", wish.with("/duration_minutes", "480")),
        ("a start to the second", wish.with("/start_time", "\"2026-05-17T10:30:59\"")),
        ("no start time", wish.without("/start_time")),
        ("the greatest seed", wish.with("/seed", "4294967295")),
        ("all themes", wish.with("/interest_theme_ids", &json!(all).to_string())),
        (
            "a theme in capitals",
            wish.with("/interest_theme_ids/0", &format!("\"{}\"", town.themes[0].to_uppercase())),
        ),
        ("no end", wish.without("/end_location")),
        ("no bias", wish.without("/popularity_bias")),
        ("empty needs", wish.with("/accessibility", "{}")),
        ("a name in escapes", wish.0.to_string().replace("seed", "\\u0073eed").into_bytes()),
        ("a body of exactly 16 KiB", wish.of_length(16 * 1024)),
        (
            "coordinates of many digits",
            wish.with("/start_location/coordinates/0", "24.94100000000000000000000000000001"),
        ),
    ];
    for (name, body) in cases {
        let walker = town.walker().await;
        let answer =
            Raw::post_route(body).header("Cookie", walker.cookie().unwrap()).send(&town.gateway).await;
        let answer = answer.unwrap_or_else(|| panic!("{name}: no answer"));
        assert!(answer.status.is_success(), "{name}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn interests_that_are_wrong_are_a_problem_and_change_nothing() {
    let town = Town::start(Options { workers: 0, ..Options::default() }).await;
    let walker = town.walker().await;
    let themes = &town.themes;
    let many: Vec<Uuid> = (0..101).map(|_| Uuid::new_v4()).collect();
    let (known, unknown) = (&themes[0], Uuid::new_v4());
    let cases: [(&str, String, u16, &[&str]); 12] = [
        ("nothing", String::new(), 400, &[]),
        ("half of it", "{\"interest_theme_ids\": [".into(), 400, &[]),
        ("a list", json!([known]).to_string(), 422, &[""]),
        ("an empty object", "{}".into(), 422, &["/interest_theme_ids"]),
        ("null", json!({"interest_theme_ids": null}).to_string(), 422, &["/interest_theme_ids"]),
        ("a text", json!({"interest_theme_ids": known}).to_string(), 422, &["/interest_theme_ids"]),
        (
            "a name",
            json!({"interest_theme_ids": ["Street Art"]}).to_string(),
            422,
            &["/interest_theme_ids/0"],
        ),
        (
            "one twice",
            json!({"interest_theme_ids": [known, known]}).to_string(),
            422,
            &["/interest_theme_ids/1"],
        ),
        ("101 of them", json!({"interest_theme_ids": many}).to_string(), 422, &["/interest_theme_ids"]),
        (
            "unknown ones",
            json!({"interest_theme_ids": [unknown, known, Uuid::nil()]}).to_string(),
            422,
            &["/interest_theme_ids/0", "/interest_theme_ids/2"],
        ),
        (
            "an unknown field",
            json!({"interest_theme_ids": [known], "revision": 9}).to_string(),
            422,
            &["/revision"],
        ),
        (
            "a long one",
            format!("{}{}", json!({"interest_theme_ids": [known]}), " ".repeat(16 * 1024)),
            413,
            &[],
        ),
    ];
    let before = town.rows().await;
    for (name, body, status, pointers) in cases {
        let put = Raw::new("PUT", "/api/v1/users/me/interests").header("Cookie", walker.cookie().unwrap());
        let answer =
            put.header("Content-Type", "application/json").body(body).send(&town.gateway).await.unwrap();
        let wrongs = wrongs::of_problem(&answer, status);
        assert!(wrongs.is_empty(), "{name}: {}", wrongs.join("\n"));
        assert_eq!(wrongs::pointers(&answer.json()), pointers, "{name}");
        assert_eq!(town.rows().await, before, "{name}");
    }
}
