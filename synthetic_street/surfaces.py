"""Indices of ``STREET_SURFACES`` under the names that drawing uses."""

from synthetic_street.labels import STREET_SURFACES

ROAD, PAVEMENT, BUILDING, VEGETATION, SKY, VEHICLE, PERSON, TRAFFIC_OBJECT = range(
    len(STREET_SURFACES.names))
