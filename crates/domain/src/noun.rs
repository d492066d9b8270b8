use crate::{Tags, poi::kind_of_place};

/// What a place is, in English and in the singular, without an article: "Lutheran church", "bronze statue".
pub(crate) fn noun_of_place(tags: &Tags) -> Option<String> {
    let kind = kind_of_place(tags)?;
    let (key, value) = kind.split_once('=')?;
    // Of several values the first, as with the kind.
    let get = |key: &str| tags.get(key)?.split(';').next().map(str::trim).filter(|value| *value != "no");
    let plain = match (key, value) {
        ("tourism", "artwork") => match get("artwork_type") {
            Some(
                kind @ ("fountain" | "installation" | "mosaic" | "mural" | "relief" | "sculpture" | "statue"),
            ) => kind,
            Some(kind @ ("bust" | "frieze" | "graffiti" | "painting" | "stencil")) => kind,
            Some("street_art") => "piece of street art",
            _ => "work of art",
        },
        ("tourism", "museum") => match get("museum") {
            Some(kind @ ("art" | "history" | "local" | "military" | "railway" | "science" | "transport")) => {
                return Some(format!("{kind} museum"));
            }
            _ => "museum",
        },
        ("tourism", "attraction" | "yes") => "visitor attraction",
        ("tourism", "aquarium" | "gallery" | "viewpoint" | "zoo") => value,
        ("tourism", "theme_park") => "theme park",
        ("tourism", "picnic_site") => "picnic site",
        ("tourism", "information") => "place with information for visitors",
        ("historic", "memorial") => match get("memorial") {
            Some("plaque" | "blue_plaque") => "memorial plaque",
            Some("stone") => "memorial stone",
            Some("statue") => "memorial statue",
            Some("sculpture") => "memorial sculpture",
            Some(kind @ ("bust" | "obelisk" | "stele" | "cross")) => kind,
            Some("war_memorial") => "war memorial",
            Some("ghost_bike") => "ghost bike",
            _ => "memorial",
        },
        ("historic", "archaeological_site") => match get("site_type") {
            Some(kind @ ("megalith" | "necropolis" | "settlement" | "tumulus")) => {
                return Some(format!("{kind} and archaeological site"));
            }
            _ => "archaeological site",
        },
        ("historic", "castle") => match get("castle_type") {
            Some(kind @ ("fortress" | "palace")) => kind,
            Some("manor") => "manor house",
            _ => "castle",
        },
        ("historic", "aircraft" | "locomotive" | "ship" | "tank" | "vehicle") => {
            return Some(format!("historic {value}"));
        }
        ("historic", "citywalls") => "piece of the town walls",
        ("historic", "city_gate") => "town gate",
        ("historic", "battery") => "gun battery",
        ("historic", "ruins") => "ruin",
        ("historic", "rune_stone") => "runestone",
        ("historic", "tomb") => "tomb",
        ("historic", "wreck") => "wreck",
        ("historic", "yes" | "heritage") => "historic place",
        ("historic", "building") => "historic building",
        ("amenity", "arts_centre") => "arts centre",
        (
            "amenity",
            "bar" | "cafe" | "pub" | "restaurant" | "library" | "theatre" | "fountain" | "nightclub",
        ) => {
            if value == "cafe" {
                "café"
            } else {
                value
            }
        }
        ("amenity", "biergarten") => "beer garden",
        ("amenity", "clock") => "clock",
        ("amenity", "drinking_water") => "drinking fountain",
        ("amenity", "fast_food") => "snack bar",
        ("amenity", "ferry_terminal") => "ferry landing",
        ("amenity", "grave_yard") => "graveyard",
        ("amenity", "ice_cream") => "ice cream parlour",
        ("amenity", "marketplace") => "market",
        ("amenity", "place_of_worship") => return Some(place_of_worship(tags)),
        ("amenity", "public_bookcase") => "shelf where books change hands",
        ("amenity", "townhall") => "town hall",
        ("amenity", "courthouse") => "courthouse",
        ("leisure", "garden") => match get("garden:type") {
            Some("botanical") => "botanical garden",
            _ => "garden",
        },
        ("leisure", "dance") => "place to dance",
        ("leisure", "ice_rink") => "ice rink",
        ("leisure", "miniature_golf") => "minigolf course",
        ("leisure", "bird_hide") => "bird hide",
        ("natural", "tree") => "tree",
        ("natural", "tree_row") => "row of trees",
        ("natural", "water") => {
            let waters = ["lake", "pond", "river", "canal", "lagoon", "reservoir", "basin"];
            get("water").filter(|kind| waters.contains(kind)).unwrap_or("stretch of water")
        }
        ("natural", "wood") => "wood",
        ("natural", "rock" | "stone") => "rock",
        ("natural", "bare_rock") => "stretch of bare rock",
        ("natural", "coastline") => "stretch of coast",
        ("natural", "cave_entrance") => "cave",
        ("man_made", "tower") => match get("tower:type") {
            Some("bell_tower") => "bell tower",
            Some("observation" | "lookout") => "tower to look out from",
            Some("communication") => "communication tower",
            Some("defensive" | "watchtower") => "watchtower",
            _ => "tower",
        },
        ("man_made", "cross") => "cross",
        ("shop", "books") => "bookshop",
        ("shop", "bakery" | "deli") => value,
        ("shop", "pastry" | "confectionery") => "confectioner's",
        ("shop", "chocolate") => "chocolate shop",
        ("shop", "alcohol") => "wine and spirits shop",
        ("shop", "antiques") => "antiques shop",
        ("shop", "art") => "art shop",
        ("shop", "charity") => "charity shop",
        ("shop", "second_hand") => "second-hand shop",
        ("shop", "department_store") => "department store",
        ("shop", "supermarket" | "kiosk") => value,
        ("shop", "mall") => "shopping centre",
        ("shop", "toys") => "toy shop",
        ("shop", "comics") => "comic shop",
        ("shop", "collector") => "shop for collectors",
        ("shop", "stamps") => "stamp dealer's",
        ("shop", "curiosity") => "curiosity shop",
        ("shop", "yes") => "shop",
        ("shop", _) => return readable(value).map(|kind| format!("{kind} shop")),
        ("craft", "brewery" | "winery" | "distillery" | "pottery") => value,
        ("craft", _) => return readable(value).map(|kind| format!("{kind}'s workshop")),
        ("office", "research") => "research institute",
        ("office", "central_bank") => "central bank",
        ("office", _) => return readable(value).map(|kind| format!("{kind} office")),
        ("artwork_type", _) => return readable(value),
        ("place", "square" | "island" | "islet") => value,
        ("waterway", "lock_gate") => "lock gate",
        ("building", "church" | "chapel" | "mosque" | "synagogue" | "temple" | "cathedral") => {
            return Some(place_of_worship(tags));
        }
        ("building", "university" | "school" | "museum" | "hotel" | "public" | "government" | "civic") => {
            return Some(format!("{value} building"));
        }
        ("building", "train_station") => "railway station",
        ("building", "house" | "palace" | "windmill" | "theatre" | "tower" | "castle" | "bunker") => value,
        ("building", _) => "building",
        ("boundary", "protected_area") => "protected area",
        ("boundary" | "place" | "landuse", "cemetery" | "forest" | "quarry") => value,
        ("boundary" | "place" | "landuse" | "heritage", _) => return None,
        _ => return readable(value),
    };
    Some(plain.to_owned())
}

/// A church by its building, else by its religion, with its denomination.
fn place_of_worship(tags: &Tags) -> String {
    let get = |key: &str| tags.get(key)?.split(';').next().map(str::trim);
    let house = match (get("building"), get("amenity"), get("religion")) {
        (Some(house @ ("cathedral" | "chapel" | "mosque" | "synagogue" | "temple" | "church")), ..) => house,
        (Some("basilica"), ..) => "basilica",
        (_, Some("monastery"), _) => "monastery",
        (.., Some("christian")) => "church",
        (.., Some("muslim")) => "mosque",
        (.., Some("jewish")) => "synagogue",
        (.., Some("buddhist" | "hindu" | "sikh" | "shinto" | "taoist")) => "temple",
        _ => "place of worship",
    };
    let denomination = match get("denomination").unwrap_or_default() {
        "roman_catholic" => "Roman Catholic ",
        "catholic" => "Catholic ",
        "greek_catholic" => "Greek Catholic ",
        "lutheran" => "Lutheran ",
        "protestant" => "Protestant ",
        "anglican" => "Anglican ",
        "orthodox" => "Orthodox ",
        "russian_orthodox" => "Russian Orthodox ",
        "greek_orthodox" => "Greek Orthodox ",
        "methodist" => "Methodist ",
        "baptist" => "Baptist ",
        "presbyterian" => "Presbyterian ",
        "church_of_scotland" => "Church of Scotland ",
        _ => "",
    };
    // "A Church of Scotland church" says it twice.
    match denomination {
        "Church of Scotland " if house == "church" => "church of the Church of Scotland".into(),
        _ => format!("{denomination}{house}"),
    }
}

/// A tag's value as words; `None` where it is no word.
fn readable(value: &str) -> Option<String> {
    let is_word = value.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c == '-');
    (is_word && value.len() > 2 && value != "yes").then(|| value.replace('_', " "))
}
