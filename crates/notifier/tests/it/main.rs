//! The WebSocket as those outside see it: real programs, real servers, real sockets.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod a_walker_hears_how_far_they_are_on_their_walk;
mod broken_frames_harm_nobody;
mod news_comes_in_order_and_only_to_its_walker;
mod only_a_walker_from_a_listed_page_gets_a_socket;
mod raw;
mod socket_limits;
mod the_contract_is_what_is_printed;
mod town;
mod wrong_messages_are_answered_but_not_for_ever;
