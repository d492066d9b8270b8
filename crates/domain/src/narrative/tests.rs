use super::*;

fn of(tags: &[(&str, &str)]) -> String {
    narrative(&tags.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()).unwrap_or_default()
}

#[test]
fn it_tells_what_by_whom_and_since_when() {
    let statue = [
        ("tourism", "artwork"),
        ("artwork_type", "statue"),
        ("material", "bronze"),
        ("artist_name", "Felix Nylund"),
        ("start_date", "1932"),
        ("name", "Kolme seppää"),
        ("name:en", "Three Smiths"),
    ];
    assert_eq!(of(&statue), "“Three Smiths” is a bronze statue by Felix Nylund, dating from 1932.");
    let church = [("amenity", "place_of_worship"), ("religion", "christian"), ("denomination", "lutheran")];
    assert_eq!(of(&church), "A Lutheran church.");
    let hall = [("amenity", "townhall"), ("addr:street", "Aleksanterinkatu"), ("architect", "Engel")];
    assert_eq!(of(&hall), "A town hall on Aleksanterinkatu, designed by Engel.");
    let both = [("tourism", "artwork"), ("artwork_type", "mural;graffiti"), ("artist_name", "A; B")];
    assert_eq!(of(&both), "A mural by A and B.");
}

#[test]
fn what_the_name_says_is_not_said_again() {
    let cathedral = [
        ("name", "Tuomiokirkko"),
        ("name:en", "Helsinki Cathedral"),
        ("building", "cathedral"),
        ("denomination", "lutheran"),
        ("architect", "Carl Ludvig Engel"),
        ("start_date", "1852"),
    ];
    assert_eq!(
        of(&cathedral),
        "Helsinki Cathedral is Lutheran, was designed by Carl Ludvig Engel and dates from 1852."
    );
    let theatre = [("amenity", "theatre"), ("name", "Savoy-teatteri"), ("name:en", "Savoy Theatre")];
    assert_eq!(of(&theatre), "Its name in English is Savoy Theatre.");
    let anglican = [
        ("name", "St. Paul"),
        ("name:en", "Saint Paul's Anglican Cathedral"),
        ("building", "cathedral"),
        ("denomination", "anglican"),
        ("heritage", "2"),
    ];
    let told =
        "Its name in English is Saint Paul's Anglican Cathedral. It is protected as national heritage.";
    assert_eq!(of(&anglican), told);
    let bank = [("office", "central_bank"), ("name", "Suomen Pankki"), ("name:en", "Bank of Finland")];
    assert_eq!(of(&bank), "Bank of Finland is a central bank.");
    let same = [("leisure", "park"), ("name", "Howard Gardens"), ("name:en", "HOWARD GARDENS")];
    assert_eq!(of(&same), "A park.");
}

#[test]
fn it_tells_why_one_would_stop() {
    assert_eq!(
        of(&[("historic", "fort"), ("heritage", "1"), ("fee", "no")]),
        "A fort. It is part of the world's heritage."
    );
    assert_eq!(
        of(&[("historic", "memorial"), ("memorial", "plaque"), ("inscription", "Here lived \"A\".")]),
        "A memorial plaque. The inscription: “Here lived 'A'.”"
    );
    assert_eq!(of(&[("amenity", "pub"), ("microbrewery", "yes")]), "A pub. It brews its own beer.");
    assert_eq!(
        of(&[("man_made", "windmill"), ("heritage", "2"), ("disused", "yes")]),
        "A windmill. It is protected as national heritage and no longer in use."
    );
}

#[test]
fn a_menu_is_read_out_as_far_as_its_words_are_known() {
    let menu = |cuisine: &str| of(&[("amenity", "restaurant"), ("cuisine", cuisine)]);
    assert_eq!(menu("lebanese"), "A restaurant. It serves Lebanese food.");
    assert_eq!(
        menu("finnish;Nordic; pizza;burger"),
        "A restaurant. It serves Finnish and Nordic food, pizza and burgers."
    );
    assert_eq!(menu("oraganic;coffee_shop"), "A restaurant.");
}

#[test]
fn it_is_a_sentence_or_two_and_no_essay() {
    let long = "word ".repeat(200);
    let text = of(&[
        ("historic", "monument"),
        ("inscription", &long),
        ("heritage", "2"),
        ("height", "12"),
        ("old_name", "X"),
    ]);
    assert!(text.len() < 400 && text.contains("word …”"), "{text}");
    assert!(!text.contains("used to be"), "{text}");
}

#[test]
fn what_is_not_understood_is_left_out() {
    assert_eq!(
        of(&[("amenity", "cafe"), ("start_date", "before the war"), ("artist_name", "https://x.example")]),
        "A café."
    );
    assert_eq!(
        of(&[("tourism", "artwork"), ("artist_name", "unknown"), ("material", "granite; metal")]),
        "A work of art."
    );
    assert_eq!(of(&[("boundary", "yes")]), "");
    assert_eq!(of(&[("shop", "Scan computer Store")]), "");
}
