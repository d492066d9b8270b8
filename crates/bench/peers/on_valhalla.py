"""Valhalla (pyvalhalla), pedestrian costing."""

import json
import os
import shutil

import peer
import valhalla


class Peer:
    def __init__(self, _name):
        self.actor = None

    def build(self, extract, folder):
        tiles = os.path.join(folder, "tiles")
        shutil.rmtree(tiles, ignore_errors=True)
        os.makedirs(tiles)
        config = valhalla.get_config(tile_extract="", tile_dir=tiles, verbose=False)
        mjolnir = config["mjolnir"]
        mjolnir["concurrency"] = 1
        unused = ("tile_extract", "admin", "timezone", "transit_dir", "transit_feeds_dir", "traffic_extract", "landmarks")
        for key in (*unused, "default_speeds_config"):
            mjolnir.pop(key, None)
        config["service_limits"]["pedestrian"].update(
            max_matrix_distance=500000.0, max_matrix_location_pairs=1000000, max_locations=2000, max_distance=500000.0
        )
        with open(os.path.join(folder, "valhalla.json"), "w") as file:
            json.dump(config, file)
        builder = os.path.join(os.path.dirname(valhalla.__file__), "bin", "valhalla_build_tiles")
        command = [builder, "-c", os.path.join(folder, "valhalla.json"), extract]
        return peer.run_tools([command], os.path.join(folder, "build.log"))

    def load(self, folder):
        self.actor = valhalla.Actor(os.path.join(folder, "valhalla.json"))

    def route(self, start, end):
        locations = [{"lon": start[0], "lat": start[1]}, {"lon": end[0], "lat": end[1]}]
        try:
            # A string in and a string out: no Python in between.
            return self.actor.route(
                json.dumps({"locations": locations, "costing": "pedestrian", "directions_type": "none"})
            )
        except RuntimeError:
            return None

    def metres(self, answer):
        return answer and json.loads(answer)["trip"]["summary"]["length"] * 1000

    def matrix(self, points):
        locations = [{"lon": lon, "lat": lat} for lon, lat in points]
        question = {"sources": locations, "targets": locations, "costing": "pedestrian", "verbose": False}
        return self.actor.matrix(json.dumps(question))

    def table(self, answer):
        return json.loads(answer)["sources_to_targets"]["durations"]

    def weights(self, _folder):
        # Costs are a part of each request: nothing is made ready, and nothing saved.
        return {}
