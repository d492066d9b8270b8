"""OSRM (osrm-bindings), its own foot profile, by contraction hierarchy or by multi-level Dijkstra."""

import os
import shutil

import osrm
import peer

HOME = os.path.dirname(osrm.__file__)


def tool(name, *arguments):
    return [os.path.join(HOME, "bin", name), "-t", "1", *arguments]


class Peer:
    def __init__(self, name):
        self.algorithm = "CH" if name == "osrm-ch" else "MLD"
        self.osrm = None

    def build(self, extract, folder):
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        graph = os.path.join(folder, "city.osrm")
        os.symlink(os.path.abspath(extract), os.path.join(folder, "city.osm.pbf"))
        profile = os.path.join(HOME, "share", "profiles", "foot.lua")
        commands = [tool("osrm-extract", "-p", profile, os.path.join(folder, "city.osm.pbf"))]
        if self.algorithm == "CH":
            commands.append(tool("osrm-contract", graph))
        else:
            commands += [tool("osrm-partition", graph), tool("osrm-customize", graph)]
        return peer.run_tools(commands, os.path.join(folder, "build.log"))

    def load(self, folder):
        graph = os.path.join(folder, "city.osrm")
        self.osrm = osrm.OSRM(algorithm=self.algorithm, storage_config=graph, use_shared_memory=False)

    def route(self, start, end):
        question = osrm.RouteParameters(
            coordinates=[tuple(start), tuple(end)],
            overview="full",
            geometries="polyline6",
            steps=False,
            generate_hints=False,
        )
        try:
            return self.osrm.Route(question)
        except RuntimeError:
            return None

    def metres(self, answer):
        return answer and answer["routes"][0]["distance"]

    def matrix(self, points):
        question = osrm.TableParameters(coordinates=[tuple(point) for point in points], generate_hints=False)
        return self.osrm.Table(question)

    def table(self, answer):
        return [list(row) for row in answer["durations"]]

    def weights(self, folder):
        graph = os.path.join(folder, "city.osrm")
        name = "osrm-contract" if self.algorithm == "CH" else "osrm-customize"
        usage = peer.run_tools([tool(name, graph)], os.path.join(folder, "weights.log"))
        return {"cpu_ms": usage["cpu_s"] * 1000}
