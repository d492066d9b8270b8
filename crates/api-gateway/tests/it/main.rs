//! The public HTTP API as those outside see it: real programs, real servers, and every request over a socket.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod a_page_reads_answers_only_from_a_listed_origin;
mod a_profile_changes_only_as_its_walker_wishes;
mod a_route_can_be_listed_and_taken_along;
mod a_session_is_a_cookie_that_only_we_can_sign;
mod a_wish_is_accepted_once;
mod bad_bodies_are_refused;
mod bad_requests_are_refused;
mod body_encodings;
mod conditional_requests;
mod connection_limits;
mod erasure;
mod hostile_bodies;
mod martin_over_https;
mod nobody_sees_what_is_not_theirs;
mod operations;
mod public_answers;
mod raw;
mod request_schema;
mod sessions_end;
mod the_contract_is_what_is_served;
mod too_many_knocks_are_turned_away;
mod town;
mod what_is_known_is_answered_at_once;
mod wrongs;
