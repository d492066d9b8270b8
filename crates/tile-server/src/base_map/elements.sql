-- The extract's lines, areas and points in web mercator metres, made from `osm`: the extract as ST_ReadOSM reads it.

CREATE TEMP TABLE node_points AS
SELECT id,
       lon * 20037508.342789244 / 180 AS x,
       ln(tan((90 + lat) * pi() / 360)) * 20037508.342789244 / pi() AS y
FROM osm
WHERE kind = 'node' AND lat BETWEEN -85.05 AND 85.05;

-- Ways are cut at the edge of an extract: some of the nodes that they name are not there. Each gap begins a new piece,
-- so that no line is drawn where there is none.
CREATE TEMP TABLE pieces AS
WITH steps AS (
    SELECT id, unnest(generate_series(1, len(refs))) AS position, unnest(refs) AS node_id
    FROM osm
    WHERE kind = 'way'
),
places AS (
    SELECT steps.id, position, x, y,
           count(*) FILTER (WHERE x IS NULL) OVER (PARTITION BY steps.id ORDER BY position) AS piece
    FROM steps LEFT JOIN node_points ON node_points.id = steps.node_id
)
SELECT id, piece, list(ST_Point(x, y) ORDER BY position) AS points
FROM places
WHERE x IS NOT NULL
GROUP BY id, piece;

CREATE TEMP TABLE lines AS
SELECT pieces.id, piece, tags, ST_MakeLine(points) AS geom
FROM pieces JOIN osm ON osm.kind = 'way' AND osm.id = pieces.id
WHERE len(points) >= 2 AND tags IS NOT NULL
  -- A closed way may be a line or an area: a street that comes back to where it began is a line.
  AND (refs[1] <> refs[-1] OR tags['highway'] IS NOT NULL OR tags['railway'] IS NOT NULL
       OR tags['natural'] = 'coastline')
  AND coalesce(tags['area'], 'no') <> 'yes';

CREATE TEMP TABLE areas AS
WITH closed AS (
    -- What is left of an area that the edge cuts is closed along the edge.
    SELECT pieces.id, flatten(list(points ORDER BY piece)) AS points
    FROM pieces JOIN osm ON osm.kind = 'way' AND osm.id = pieces.id
    WHERE len(refs) >= 4 AND refs[1] = refs[-1] AND tags IS NOT NULL
    GROUP BY pieces.id
),
members AS (
    SELECT id, unnest(refs) AS way_id, unnest(ref_types) AS type, unnest(ref_roles) AS role
    FROM osm
    WHERE kind = 'relation' AND tags['type'] = 'multipolygon'
),
rings AS (
    SELECT members.id, list(ST_MakeLine(points) ORDER BY way_id, piece) AS lines
    FROM members JOIN pieces ON pieces.id = members.way_id
    WHERE members.type = 'way' AND len(points) >= 2
    GROUP BY members.id
),
shapes AS (
    SELECT id, 'way' AS kind,
           TRY(ST_MakePolygon(ST_MakeLine(list_append(points, points[1])))) AS geom
    FROM closed
    WHERE len(points) >= 3
    UNION ALL
    SELECT id, 'relation', TRY(ST_BuildArea(ST_Collect(lines)))
    FROM rings
)
-- One invalid polygon would cost a whole tile.
SELECT tags, ST_CollectionExtract(TRY(ST_MakeValid(geom)), 3) AS geom
FROM shapes JOIN osm ON osm.kind = shapes.kind::VARCHAR::ENUM ('node', 'way', 'relation', 'changeset')
                    AND osm.id = shapes.id
WHERE geom IS NOT NULL;
