"""Precise places: coordinates found to the character, other pairs of numbers left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.curate.checks.privacy_coordinates import places_in


def found(text: str) -> list[str]:
    return [text[hit.start : hit.end] for hit in places_in(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I live at 48.2010° N, 16.3695° E.", ["48.2010° N, 16.3695° E"]),
        ("we met at 40.446195N 79.982195W", ["40.446195N 79.982195W"]),
        ("N 48.20101, E 16.36951!", ["N 48.20101, E 16.36951"]),
        ("GPS: -33.856784, 151.215297", ["-33.856784, 151.215297"]),
        ("coordinates (−33.8568; 151.2153)", ["−33.8568; 151.2153"]),
        ("My coordinates are 51.501476,-0.140634 today", ["51.501476,-0.140634"]),
        ("Its coordinates are 2.501476,-0.140634 there", []),
        ("We live at 58.161612, 29.422963, behind the mill.", ["58.161612, 29.422963"]),
        ("Meet me at 49.051861, 26.984976 at noon.", ["49.051861, 26.984976"]),
        ("Her position was 44.551239, -5.991019 by then.", ["44.551239, -5.991019"]),
        ("The roots are found at 11.414213, 13.141592 here.", []),
        ("My coordinates are 51.501476,-1.140634 today", ["51.501476,-1.140634"]),
        ('{"lat": 51.501476, "lng": -0.140634}', ["51.501476", "-0.140634"]),
        ("latitude=51.501476&longitude=-0.140634", ["51.501476", "-0.140634"]),
        ("latitude 51.501476 and longitude -0.140634.", ["51.501476", "-0.140634"]),
        ("https://www.google.com/maps/@48.858370,2.294481,17z", ["48.858370,2.294481"]),
        ("https://maps.google.com/?q=48.858370,2.294481", ["48.858370,2.294481"]),
        ("https://maps.apple.com/?ll=48.858370%2C2.294481", ["48.858370%2C2.294481"]),
        ("www.openstreetmap.org/#map=19/48.85837/2.29448", ["48.85837/2.29448"]),
        ("geo:48.201012,16.369514;u=35", ["48.201012,16.369514"]),
        ("https://maps.app.goo.gl/9cXk2LmQz7vB1rT8A please", ["9cXk2LmQz7vB1rT8A"]),
        ("at 40°26′46″N 79°58′56″W, there", ["40°26′46″N 79°58′56″W"]),
        ("at 40° 26' 46.302\" N, 79° 58' 56.903\" W", ["40° 26' 46.302\" N, 79° 58' 56.903\" W"]),
        ("40°26.767' N 79°58.933' W", ["40°26.767' N 79°58.933' W"]),
    ],
)  # fmt: skip
def test_precise_places(text: str, expected: list[str]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "40.71, -74.00 are the coordinates",
        "coordinates: 91.0000, 12.0000",
        "coordinates: 12.0000, 181.0000",
        "the weights 1.5623, 1.2413",
        "coordinates [1.5623, 1.2413, 2.4687]",
        "coordinates of the points: 0.1234, 0.5678",
        "it was 25.3456° and 30.1234 percent",
        "at 48°51′N 2°21′E",
        "an angle of 40°26′46″ and 79°58′56″",
        "v1.2.3456, 3.4567.8",
        "goo.gl/abc",
    ],
)
def test_other_numbers(text: str) -> None:
    assert found(text) == []


@given(st.floats(-89, 89), st.floats(-179, 179), st.integers(4, 9))
def test_every_place_with_letters_of_the_compass(lat: float, lon: float, places: int) -> None:
    place = (
        f"{abs(lat):.{places}f}°{'N' if lat >= 0 else 'S'}, "
        f"{abs(lon):.{places}f}°{'E' if lon >= 0 else 'W'}"
    )
    assert found(f"I am at {place}, come!") == [place]


def test_only_the_numbers_give_way(find_in_answers) -> None:
    hits = find_in_answers("privacy/coordinates", ['He is at {"lat": 51.501476, "lon": 2.1406}.'])
    assert hits.select("severity", "fix", "score").unique().rows() == [("low", "mask", 1.0)]
    assert hits.height == 2
