"""What schemathesis cannot know from the document: which themes there are, where there are streets, which tiles a map has,
and whose session may be ended. Only what is meant to be valid is changed; what is meant to be wrong goes out as it is."""

import os
from functools import lru_cache
from itertools import count
from urllib.parse import urljoin

import requests
import schemathesis
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation import GenerationMode

# Within the bundled city, Helsinki's centre.
WEST, SOUTH, EAST, NORTH = 24.9370, 60.1655, 24.9515, 60.1775
# A walk of eight hours is as legal as one of an hour, and takes the worker longer.
MAX_MINUTES = 60

requests_made = count()
places_seen = []


@schemathesis.deserializer("application/vnd.mapbox-vector-tile")
def as_text(context, response):
    """Bytes, as the document calls them: a string without an encoding."""
    return response.content.decode("latin-1")


@lru_cache
def themes(base_url):
    answer = requests.get(urljoin(base_url, "/api/v1/interest-themes"), timeout=10)
    return sorted(theme["id"] for theme in answer.json()["interest_themes"])


def is_meant_to_be_valid(case):
    return case.meta is not None and case.meta.generation.mode == GenerationMode.POSITIVE


@schemathesis.hook
def before_call(context, case, kwargs):
    """The coverage phase makes headers of letters and digits only, of which no entity tag can be made, and sends what it
    knows to be wrong even where all is meant to be valid. There the optional header is left out."""
    headers = case.meta and case.meta.components.get(ParameterLocation.HEADER)
    if is_meant_to_be_valid(case) and headers and headers.mode == GenerationMode.NEGATIVE:
        for name in ("If-Match", "If-None-Match"):
            (case.headers or {}).pop(name, None)


@schemathesis.hook("before_call").apply_to(operation_id=["post_route", "put_interests"])
def name_what_exists(context, case, kwargs):
    """A schema says what an id or a coordinate looks like, not which ones there are."""
    if not is_meant_to_be_valid(case) or not isinstance(case.body, dict):
        return
    wanted = case.body["interest_theme_ids"]
    case.body["interest_theme_ids"] = themes(case.operation.base_url)[: len(wanted)]
    for end in ("start_location", "end_location"):
        if end in case.body:
            longitude, latitude = case.body[end]["coordinates"]
            longitude = WEST + (EAST - WEST) * (longitude + 180) / 360
            latitude = SOUTH + (NORTH - SOUTH) * (latitude + 90) / 180
            case.body[end]["coordinates"] = [longitude, latitude]
    if "duration_minutes" in case.body:
        case.body["duration_minutes"] = min(case.body["duration_minutes"], MAX_MINUTES)


@schemathesis.hook("before_call").apply_to(operation_id="post_route")
def name_each_request_otherwise(context, case, kwargs):
    """A key that came with another request is refused, and rightly so."""
    if is_meant_to_be_valid(case) and "Idempotency-Key" in (case.headers or {}):
        case.headers["Idempotency-Key"] = f"{case.headers['Idempotency-Key'][:200]}{next(requests_made)}"


@schemathesis.hook("before_call").apply_to(operation_id="get_route_tile")
def stay_on_the_map(context, case, kwargs):
    """There are as many columns and rows as the zoom says, which a schema cannot."""
    if is_meant_to_be_valid(case):
        place = case.path_parameters
        tiles = 2 ** int(place["z"])
        row, point, suffix = str(place["y"]).partition(".")
        place["x"] = int(place["x"]) % tiles
        place["y"] = f"{int(row) % tiles}{point}{suffix}"


@schemathesis.hook("after_call").apply_to(operation_id="get_route")
def remember_places(context, case, response):
    """The only way to a place is a walk that stops there."""
    if response.status_code == 200 and response.headers.get("content-type") == ["application/json"]:
        places_seen.extend(stop["poi_id"] for stop in response.json().get("stops", []))


@schemathesis.hook("before_call").apply_to(operation_id="get_poi")
def ask_for_a_place_that_exists(context, case, kwargs):
    """Two times of three: nobody has guessed a number yet that some place has."""
    number = next(requests_made)
    if is_meant_to_be_valid(case) and places_seen and number % 3:
        case.path_parameters["poi_id"] = places_seen[number % len(places_seen)]


@schemathesis.hook("before_call").apply_to(operation_id=["delete_session", "delete_sessions", "delete_me"])
def end_another_session(context, case, kwargs):
    """That of the run is still needed. A stranger has none, and is given none."""
    if os.environ["CONFIGURATION"] != "stranger.toml":
        answer = requests.post(urljoin(case.operation.base_url, "/api/v1/users"), timeout=10)
        case.cookies.update(answer.cookies.get_dict())
