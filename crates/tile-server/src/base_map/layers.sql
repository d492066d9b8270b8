-- The tables that are served, one a layer. Each row has the zooms at which it is shown, and its own box; rows lie in the
-- order of a Hilbert curve, so that the rows of a tile lie together. From zoom 13 on things are drawn as they are,
-- below that in a simpler form.

CREATE TEMP MACRO laid_out(name) AS TABLE
SELECT *,
       ST_XMin(geom) AS xmin, ST_YMin(geom) AS ymin, ST_XMax(geom) AS xmax, ST_YMax(geom) AS ymax
FROM query_table(name)
WHERE geom IS NOT NULL AND NOT ST_IsEmpty(geom) AND minz <= maxz
-- The shape itself decides last, so that the same extract makes the same tiles to the bit.
ORDER BY ST_Hilbert(geom, {'min_x': -20037509, 'min_y': -20037509, 'max_x': 20037509, 'max_y': 20037509}::BOX_2D),
         minz, class, ST_AsWKB(geom)::BLOB;

-- The zoom at which a shape of this area (m²) is three pixels wide.
CREATE TEMP MACRO zoom_of_area(area) AS ceil(log2(3 * 156543 / sqrt(area + 1)))::INTEGER;

-- A shape as zoom 16 can show it: corners on its grid of 4096 steps a tile, outer rings clockwise.
CREATE TEMP MACRO on_grid(geom) AS ST_Normalize(ST_ReducePrecision(geom, 2 * 20037508.342789244 / (1 << 28)));

-- Roads -------------------------------------------------------------------------------------------------------------

CREATE TEMP TABLE road_lines AS
SELECT id, piece, geom, tags['name'] AS name,
       coalesce(tags['bridge'], 'no') <> 'no' AS bridge,
       coalesce(tags['tunnel'], 'no') <> 'no' OR tags['indoor'] = 'yes' AS tunnel,
       CASE
           WHEN tags['highway'] IN ('motorway', 'motorway_link') THEN 'motorway'
           WHEN tags['highway'] IN ('trunk', 'trunk_link') THEN 'trunk'
           WHEN tags['highway'] IN ('primary', 'primary_link') THEN 'primary'
           WHEN tags['highway'] IN ('secondary', 'secondary_link') THEN 'secondary'
           WHEN tags['highway'] IN ('tertiary', 'tertiary_link') THEN 'tertiary'
           WHEN tags['highway'] IN ('residential', 'unclassified', 'living_street', 'road') THEN 'minor'
           WHEN tags['highway'] = 'pedestrian' THEN 'pedestrian'
           WHEN tags['footway'] IN ('sidewalk', 'crossing') THEN 'sidewalk'
           WHEN tags['highway'] IN ('footway', 'path', 'bridleway') THEN 'path'
           WHEN tags['highway'] IN ('steps', 'cycleway', 'track', 'service') THEN tags['highway']
           WHEN tags['railway'] IN ('rail', 'light_rail', 'narrow_gauge') THEN 'rail'
           WHEN tags['railway'] = 'tram' THEN 'tram'
       END AS class
FROM lines
WHERE class IS NOT NULL AND coalesce(tags['access'], 'yes') <> 'private';

CREATE TEMP TABLE road_zooms AS
SELECT * FROM (VALUES
    ('motorway', 5), ('trunk', 6), ('primary', 8), ('secondary', 9), ('tertiary', 10), ('rail', 11), ('minor', 12),
    ('pedestrian', 12), ('path', 13), ('steps', 13), ('cycleway', 13), ('track', 13), ('tram', 14), ('service', 14),
    ('sidewalk', 15)
) AS zooms(class, minz);

CREATE TEMP TABLE roads_drawn AS
SELECT class, name, bridge, tunnel, greatest(minz, 13) AS minz, 16 AS maxz, geom
FROM road_lines JOIN road_zooms USING (class)
UNION ALL
-- Seen from afar the pieces of a road are one line, without its small bends.
SELECT class, NULL::VARCHAR, false, false, minz, 12, geom
FROM (
    SELECT class, minz,
           ST_SimplifyPreserveTopology(unnest(ST_Dump(ST_LineMerge(ST_Collect(list(geom ORDER BY id, piece))))).geom, 10) AS geom
    FROM road_lines JOIN road_zooms USING (class)
    WHERE minz <= 12
    GROUP BY class, minz
);

CREATE TABLE roads AS FROM laid_out('roads_drawn');

-- Water -------------------------------------------------------------------------------------------------------------

-- The sea is what lies right of the coastline. The coast divides the area of the extract into faces; one that has sea at
-- its edge and no land is sea. Where the edge of the extract leaves a coast open, both are in one face, and it stays land.
-- An end that was cut off is drawn on by 300 m, so that it reaches the edge.
CREATE TEMP TABLE coast AS
WITH merged AS (
    SELECT unnest(ST_Dump(ST_LineMerge(ST_Collect(list(geom ORDER BY id, piece)), true))).geom AS geom
    FROM lines
    WHERE tags['natural'] = 'coastline'
),
ends AS (
    SELECT geom, ST_IsClosed(geom) AS closed, ST_PointN(geom, 1) AS a, ST_PointN(geom, 2) AS b,
           ST_PointN(geom, ST_NPoints(geom)::INTEGER - 1) AS y, ST_PointN(geom, ST_NPoints(geom)::INTEGER) AS z
    FROM merged
),
further AS (
    SELECT geom, closed, a, z, 300 / greatest(ST_Distance(a, b), 1) AS before, 300 / greatest(ST_Distance(y, z), 1) AS after,
           ST_X(a) - ST_X(b) AS ax, ST_Y(a) - ST_Y(b) AS ay, ST_X(z) - ST_X(y) AS zx, ST_Y(z) - ST_Y(y) AS zy
    FROM ends
)
SELECT CASE WHEN closed THEN geom ELSE ST_MakeLine(flatten([
           [ST_Point(ST_X(a) + ax * before, ST_Y(a) + ay * before)],
           [point.geom FOR point IN ST_Dump(ST_Points(geom))],
           [ST_Point(ST_X(z) + zx * after, ST_Y(z) + zy * after)]])) END AS geom
FROM further;

CREATE TEMP TABLE faces AS
WITH extent AS (
    SELECT ST_MakeEnvelope(quantile_cont(x, 0.0001), quantile_cont(y, 0.0001),
                           quantile_cont(x, 0.9999), quantile_cont(y, 0.9999)) AS box
    FROM node_points
),
edges AS (
    SELECT ST_Node(ST_Collect(list_append(list(ST_Intersection(coast.geom, box) ORDER BY ST_AsWKB(coast.geom)::BLOB), ST_Boundary(any_value(box))))) AS geom
    FROM coast, extent
)
SELECT row_number() OVER () AS face, geom
FROM (SELECT unnest(ST_Dump(ST_Polygonize([geom]))).geom AS geom FROM edges);

CREATE TEMP TABLE sea AS
WITH ends AS (
    SELECT ST_PointN(geom, step) AS a, ST_PointN(geom, step + 1) AS b
    FROM (SELECT geom, unnest(generate_series(1, ST_NPoints(geom) - 1))::INTEGER AS step FROM coast)
),
sides AS (
    SELECT ST_Point((ST_X(a) + ST_X(b)) / 2 + (ST_Y(b) - ST_Y(a)) / length, (ST_Y(a) + ST_Y(b)) / 2 - (ST_X(b) - ST_X(a)) / length) AS sea,
           ST_Point((ST_X(a) + ST_X(b)) / 2 - (ST_Y(b) - ST_Y(a)) / length, (ST_Y(a) + ST_Y(b)) / 2 + (ST_X(b) - ST_X(a)) / length) AS land
    FROM (SELECT a, b, greatest(ST_Distance(a, b), 0.001) * 2 AS length FROM ends)
)
SELECT any_value(faces.geom) AS geom
FROM faces JOIN sides ON ST_Contains(faces.geom, sides.sea) OR ST_Contains(faces.geom, sides.land)
GROUP BY face
HAVING count(*) FILTER (WHERE ST_Contains(faces.geom, sides.land)) * 20 < count(*);

-- Clipping a whole sea for every tile takes long; from zoom 10 on it is cut into squares of zoom 12.
CREATE TEMP TABLE sea_squares AS
WITH squares AS (
    SELECT geom, 9783.939620502556 AS side,
           unnest(generate_series(floor(ST_XMin(geom) / side)::BIGINT, floor(ST_XMax(geom) / side)::BIGINT)) AS i
    FROM sea
)
SELECT ST_Intersection(geom, ST_MakeEnvelope(i * side, j * side, (i + 1) * side, (j + 1) * side)) AS geom
FROM (
    SELECT *, unnest(generate_series(floor(ST_YMin(geom) / side)::BIGINT, floor(ST_YMax(geom) / side)::BIGINT)) AS j
    FROM squares
);

CREATE TEMP TABLE water_drawn AS
SELECT 'sea' AS class, NULL::VARCHAR AS name, 10 AS minz, 16 AS maxz, geom
FROM sea_squares
UNION ALL
SELECT 'sea', NULL, 0, 9, ST_SimplifyPreserveTopology(geom, 100) FROM sea
UNION ALL
SELECT class, name, greatest(shown, 13), 16, geom FROM (
    SELECT geom, tags['name'] AS name, zoom_of_area(ST_Area(geom)) AS shown,
           CASE WHEN tags['leisure'] = 'swimming_pool' THEN 'pool'
                WHEN tags['waterway'] IS NOT NULL OR tags['water'] IN ('river', 'canal') THEN 'river'
                ELSE 'lake' END AS class
    FROM areas
    WHERE tags['natural'] = 'water' OR tags['waterway'] IN ('riverbank', 'dock') OR tags['landuse'] IN ('reservoir', 'basin')
       OR tags['leisure'] = 'swimming_pool' OR tags['amenity'] = 'fountain'
)
UNION ALL
SELECT 'lake', NULL, zoom_of_area(ST_Area(geom)), 12, ST_SimplifyPreserveTopology(geom, 15)
FROM areas
WHERE tags['natural'] = 'water' OR tags['waterway'] IN ('riverbank', 'dock') OR tags['landuse'] = 'reservoir';

CREATE TABLE water AS FROM laid_out('water_drawn');

CREATE TEMP TABLE waterways_drawn AS
SELECT tags['waterway'] AS class, tags['name'] AS name,
       CASE tags['waterway'] WHEN 'river' THEN 9 WHEN 'canal' THEN 11 ELSE 13 END AS minz, 16 AS maxz, geom
FROM lines
WHERE tags['waterway'] IN ('river', 'canal', 'stream', 'drain', 'ditch') AND coalesce(tags['tunnel'], 'no') = 'no';

CREATE TABLE waterways AS FROM laid_out('waterways_drawn');

-- Land --------------------------------------------------------------------------------------------------------------

CREATE TEMP TABLE land_areas AS
SELECT tags['name'] AS name, geom, ST_Area(geom) AS area,
       CASE
           WHEN tags['leisure'] IN ('park', 'garden', 'nature_reserve', 'common', 'recreation_ground')
             OR tags['landuse'] IN ('village_green', 'recreation_ground') THEN 'park'
           WHEN tags['natural'] IN ('wood', 'tree_row') OR tags['landuse'] = 'forest' THEN 'wood'
           WHEN tags['landuse'] IN ('grass', 'meadow') OR tags['natural'] IN ('scrub', 'heath', 'grassland', 'wetland')
             THEN 'grass'
           WHEN tags['landuse'] IN ('cemetery') OR tags['amenity'] = 'grave_yard' THEN 'cemetery'
           WHEN tags['natural'] IN ('beach', 'sand', 'shingle') THEN 'beach'
           WHEN tags['natural'] IN ('bare_rock', 'scree') THEN 'rock'
           -- A path that comes back to where it began is a path.
           WHEN tags['place'] = 'square'
             OR (tags['highway'] IN ('pedestrian', 'footway') AND (tags['area'] = 'yes' OR tags['type'] = 'multipolygon'))
             THEN 'square'
           WHEN tags['man_made'] = 'pier' THEN 'pier'
           WHEN tags['leisure'] = 'playground' THEN 'playground'
           WHEN tags['leisure'] IN ('pitch', 'track') THEN 'pitch'
           WHEN tags['landuse'] IN ('farmland', 'farm', 'orchard', 'vineyard') THEN 'farmland'
           WHEN tags['landuse'] IN ('industrial', 'quarry', 'railway', 'military') THEN 'industrial'
           WHEN tags['landuse'] IN ('residential', 'commercial', 'retail') THEN 'built_up'
       END AS class
FROM areas
WHERE class IS NOT NULL;

CREATE TEMP TABLE land_drawn AS
SELECT class, name, greatest(zoom_of_area(area), 13) AS minz, 16 AS maxz, on_grid(geom) AS geom FROM land_areas
UNION ALL
SELECT class, NULL, greatest(zoom_of_area(area), 8), 12, ST_SimplifyPreserveTopology(geom, 15)
FROM land_areas
WHERE class NOT IN ('square', 'pier', 'playground', 'pitch');

CREATE TABLE land AS FROM laid_out('land_drawn');

-- Buildings ---------------------------------------------------------------------------------------------------------

CREATE TEMP TABLE buildings_drawn AS
SELECT CASE WHEN tags['building'] IN ('church', 'cathedral', 'chapel', 'mosque', 'synagogue', 'temple')
                  OR tags['amenity'] = 'place_of_worship' THEN 'sacred' ELSE 'building' END AS class,
       greatest(zoom_of_area(ST_Area(geom)), 14) AS minz, 16 AS maxz, on_grid(geom) AS geom
FROM areas
WHERE tags['building'] IS NOT NULL AND tags['building'] <> 'no';

CREATE TABLE buildings AS FROM laid_out('buildings_drawn');

-- Names -------------------------------------------------------------------------------------------------------------

CREATE TEMP TABLE places_drawn AS
SELECT tags['place'] AS class, tags['name'] AS name,
       CASE tags['place'] WHEN 'country' THEN 2 WHEN 'city' THEN 5 WHEN 'town' THEN 8 WHEN 'island' THEN 9
            WHEN 'village' THEN 10 WHEN 'suburb' THEN 12 WHEN 'hamlet' THEN 12 ELSE 14 END AS minz,
       CASE tags['place'] WHEN 'country' THEN 7 ELSE 16 END AS maxz, ST_Point(x, y) AS geom
FROM osm JOIN node_points USING (id)
WHERE kind = 'node' AND tags['name'] IS NOT NULL
  AND tags['place'] IN ('country', 'city', 'town', 'village', 'hamlet', 'suburb', 'quarter', 'neighbourhood', 'island', 'locality')
UNION ALL
SELECT class, name, greatest(zoom_of_area(area) + 3, 13), 16, ST_PointOnSurface(geom)
FROM land_areas
WHERE name IS NOT NULL AND class IN ('park', 'wood', 'cemetery', 'square', 'beach')
UNION ALL
SELECT class, name, greatest(minz + 3, 12), 16, ST_PointOnSurface(geom)
FROM water_drawn
WHERE name IS NOT NULL AND class IN ('lake', 'river');

CREATE TABLE places AS FROM laid_out('places_drawn');
