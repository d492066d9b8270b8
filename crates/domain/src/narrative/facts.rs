use super::words::{and, as_sentence, list, metres, tag, text, words};
use crate::Tags;

/// What mappers quote may be a whole stele; a walker who stands there can read on.
const LONGEST_QUOTE: usize = 220;

/// What there is to add, the most telling first.
pub(super) fn facts(tags: &Tags) -> Vec<String> {
    let get = |key: &str| tag(tags, key);
    let is = |key: &str, value: &str| get(key).is_some_and(|values| list(values).contains(&value));
    let mut facts = Vec::new();
    let mut add = |fact: Option<String>| facts.extend(fact);
    add(text(tags, "description:en").filter(|text| text.len() <= LONGEST_QUOTE).map(as_sentence));
    add(inscription(tags));
    let world = is("heritage", "1") || tags.keys().any(|key| key == "ref:whc" || key.starts_with("whc:"));
    add(world.then(|| "It is part of the world's heritage.".into()));
    add((!world && is("heritage", "2")).then(|| "It is protected as national heritage.".into()));
    let remembers = is("historic", "memorial") || is("historic", "monument");
    add(text(tags, "subject").or_else(|| text(tags, "artwork_subject")).map(|whom| {
        let whom = and(&list(&whom));
        if remembers { format!("It commemorates {whom}.") } else { format!("It shows {whom}.") }
    }));
    add(text(tags, "name:etymology").map(|whom| format!("It is named after {}.", and(&list(&whom)))));
    add(get("building:architecture").and_then(words).map(|style| format!("Its style is {style}.")));
    add(text(tags, "old_name").map(|name| format!("It used to be called {}.", and(&list(&name)))));
    add(get("ele")
        .filter(|_| is("natural", "peak"))
        .and_then(metres)
        .map(|m| format!("Its top is {m} m above the sea.")));
    add(get("height").filter(|_| is_made(tags)).and_then(metres).map(|m| format!("It is {m} m high.")));
    add(is("microbrewery", "yes").then(|| "It brews its own beer.".into()));
    add(get("cuisine").filter(|_| get("amenity").is_some()).and_then(menu));
    add(is("live_music", "yes").then(|| "There is live music.".into()));
    add(text(tags, "species:en").map(|species| format!("Its species is {species}.")));
    let entry =
        ["museum", "gallery", "attraction", "zoo", "viewpoint"].iter().any(|kind| is("tourism", kind));
    add((entry && is("fee", "no")).then(|| "Entry is free.".into()));
    add(is("outdoor_seating", "yes").then(|| "There are seats outside.".into()));
    add((is("disused", "yes") || is("abandoned", "yes")).then(|| "It is no longer in use.".into()));
    facts
}

/// Made by hand and seen from all sides, so that its material and its height are its own and not those of its roof.
pub(super) fn is_made(tags: &Tags) -> bool {
    let is = |key: &str, values: &[&str]| tag(tags, key).is_some_and(|value| values.contains(&value));
    is("tourism", &["artwork"])
        || is("historic", &["memorial", "monument", "wayside_cross", "wayside_shrine"])
        || is("man_made", &["tower", "lighthouse", "obelisk", "cross", "chimney"])
        || is("amenity", &["fountain", "clock"])
}

fn inscription(tags: &Tags) -> Option<String> {
    let text = text(tags, "inscription:en").or_else(|| text(tags, "inscription"))?;
    let text = text.replace(['“', '”', '"'], "'");
    if text.chars().count() <= LONGEST_QUOTE {
        return Some(format!("The inscription: “{text}”"));
    }
    let cut: String = text.chars().take(LONGEST_QUOTE).collect();
    let whole_words = cut.rsplit_once(' ').map_or(cut.as_str(), |(words, _)| words);
    Some(format!("The inscription begins: “{whole_words} …”"))
}

/// What is on the table, as far as we know the words: mappers may write what they like here, and misspell it.
fn menu(cuisine: &str) -> Option<String> {
    let known = |kinds: &[(&str, &'static str)]| -> Vec<&'static str> {
        let kind = |value: &&str| {
            let value = value.to_lowercase().replace(' ', "_");
            kinds.iter().find(|(key, _)| *key == value).map(|(_, word)| *word)
        };
        let mut words: Vec<_> = list(cuisine).iter().filter_map(kind).collect();
        words.dedup();
        words
    };
    let (kitchens, dishes) = (known(&KITCHENS), known(&DISHES));
    let kitchens = (!kitchens.is_empty()).then(|| format!("{} food", and(&kitchens)));
    let served: Vec<String> = kitchens.into_iter().chain(dishes.into_iter().map(Into::into)).collect();
    (!served.is_empty()).then(|| format!("It serves {}.", and(&served)))
}

/// Values of `cuisine` that say how one cooks.
const KITCHENS: [(&str, &str); 51] = [
    ("african", "African"),
    ("american", "American"),
    ("arab", "Arab"),
    ("argentinian", "Argentinian"),
    ("asian", "Asian"),
    ("australian", "Australian"),
    ("austrian", "Austrian"),
    ("balkan", "Balkan"),
    ("bavarian", "Bavarian"),
    ("brazilian", "Brazilian"),
    ("british", "British"),
    ("chinese", "Chinese"),
    ("ethiopian", "Ethiopian"),
    ("finnish", "Finnish"),
    ("french", "French"),
    ("georgian", "Georgian"),
    ("german", "German"),
    ("greek", "Greek"),
    ("hungarian", "Hungarian"),
    ("indian", "Indian"),
    ("international", "international"),
    ("irish", "Irish"),
    ("italian", "Italian"),
    ("japanese", "Japanese"),
    ("korean", "Korean"),
    ("lebanese", "Lebanese"),
    ("local", "local"),
    ("maltese", "Maltese"),
    ("mediterranean", "Mediterranean"),
    ("mexican", "Mexican"),
    ("middle_eastern", "Middle Eastern"),
    ("moroccan", "Moroccan"),
    ("nepalese", "Nepalese"),
    ("nordic", "Nordic"),
    ("organic", "organic"),
    ("persian", "Persian"),
    ("peruvian", "Peruvian"),
    ("polish", "Polish"),
    ("portuguese", "Portuguese"),
    ("regional", "regional"),
    ("russian", "Russian"),
    ("scandinavian", "Scandinavian"),
    ("scottish", "Scottish"),
    ("spanish", "Spanish"),
    ("swedish", "Swedish"),
    ("tex-mex", "Tex-Mex"),
    ("thai", "Thai"),
    ("turkish", "Turkish"),
    ("vegan", "vegan"),
    ("vegetarian", "vegetarian"),
    ("vietnamese", "Vietnamese"),
];

/// Values of `cuisine` that say what one eats.
const DISHES: [(&str, &str); 27] = [
    ("bagel", "bagels"),
    ("barbecue", "barbecue"),
    ("breakfast", "breakfast"),
    ("burger", "burgers"),
    ("cake", "cake"),
    ("chicken", "chicken"),
    ("crepe", "crêpes"),
    ("curry", "curry"),
    ("dessert", "desserts"),
    ("fish", "fish"),
    ("fish_and_chips", "fish and chips"),
    ("ice_cream", "ice cream"),
    ("kebab", "kebab"),
    ("noodle", "noodles"),
    ("pasta", "pasta"),
    ("pastry", "pastries"),
    ("pizza", "pizza"),
    ("ramen", "ramen"),
    ("salad", "salads"),
    ("sandwich", "sandwiches"),
    ("seafood", "seafood"),
    ("soup", "soup"),
    ("steak", "steaks"),
    ("steak_house", "steaks"),
    ("sushi", "sushi"),
    ("tapas", "tapas"),
    ("tea", "tea"),
];
