"""Indices of ``WORLD_SURFACES`` under the names that drawing uses."""

from edgenext_core.labels import WORLD_SURFACES

ROAD, PAVEMENT, BUILDING, VEGETATION, SKY, VEHICLE, PERSON, TRAFFIC_OBJECT = range(
    len(WORLD_SURFACES.names))
