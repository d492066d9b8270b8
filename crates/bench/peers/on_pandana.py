"""pandana: matrices by contraction hierarchy, from node to node; routes without geometry are no peer of ours."""

import math
import os
import pickle
import time

import numpy
import osmium
import pandana
import pandas

import peer

WALKABLE = set(
    "footway path pedestrian residential living_street service unclassified tertiary tertiary_link secondary"
    " secondary_link primary primary_link track cycleway steps bridleway corridor road crossing trail".split()
)
EARTH_M = 6371008.8


class Streets(osmium.SimpleHandler):
    def __init__(self):
        super().__init__()
        self.nodes, self.edges = {}, []

    def way(self, way):
        tags = way.tags
        closed = tags.get("access") in ("private", "no") and tags.get("foot") not in ("yes", "designated", "permissive")
        if tags.get("highway") not in WALKABLE or tags.get("foot") in ("no", "private") or closed:
            return
        last = None
        for node in way.nodes:
            if not node.location.valid():
                last = None
                continue
            here = (math.radians(node.location.lon), math.radians(node.location.lat))
            self.nodes[node.ref] = (node.location.lon, node.location.lat)
            if last:
                east = (here[0] - last[1][0]) * math.cos(here[1])
                self.edges.append((last[0], node.ref, EARTH_M * math.hypot(east, here[1] - last[1][1])))
            last = (node.ref, here)


class Peer:
    def __init__(self, _name):
        self.network = None

    def build(self, extract, folder):
        os.makedirs(folder, exist_ok=True)
        began = time.process_time()
        streets = Streets()
        streets.apply_file(extract, locations=True)
        with open(os.path.join(folder, "city.pickle"), "wb") as file:
            pickle.dump((streets.nodes, streets.edges), file)
        self.load(folder)
        return {"cpu_s": time.process_time() - began, "peak_mb": peer.memory("VmHWM")}

    def load(self, folder):
        with open(os.path.join(folder, "city.pickle"), "rb") as file:
            nodes, edges = pickle.load(file)
        self.nodes = pandas.DataFrame.from_dict(nodes, orient="index", columns=["x", "y"])
        self.edges = pandas.DataFrame(edges, columns=["u", "v", "metres"])
        self.prepare()

    def prepare(self):
        nodes, edges = self.nodes, self.edges
        self.network = pandana.Network(nodes.x, nodes.y, edges.u, edges.v, edges[["metres"]], twoway=True)

    def route(self, _start, _end):
        return None

    def metres(self, _answer):
        return None

    def matrix(self, points):
        ids = self.network.get_node_ids([lon for lon, _ in points], [lat for _, lat in points]).values
        size = len(points)
        return self.network.shortest_path_lengths(numpy.repeat(ids, size), numpy.tile(ids, size)), size

    def table(self, answer):
        # It knows metres alone; walked at our pace they are seconds as the others'. No way at all is a huge number.
        values, size = answer
        seconds = [value / 1.33 if value < 4e6 else None for value in values]
        return [seconds[row * size : (row + 1) * size] for row in range(size)]

    def weights(self, folder):
        if self.network is None:
            self.load(folder)
        return {"cpu_ms": peer.timed(self.prepare)[1]}
