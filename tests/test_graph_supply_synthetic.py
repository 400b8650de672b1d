"""The synthetic network has the statistics of real ones, and says that it is made up."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from graph.arrays import Ints
from graph.synthetic import synthetic_network
from tests.supply_samples import differences


def _exponent(degrees: Ints, least: int) -> float:
    """Of the density of degrees from `least` on: maximum likelihood (Clauset et al. 2009)."""
    tail = degrees[degrees >= least]
    return float(1.0 + len(tail) / np.log(tail / (least - 0.5)).sum())


def test_degrees_are_scale_free_with_published_exponents() -> None:
    made = synthetic_network(50_000, 500_000)
    buyers = np.diff(made.sold_start)
    suppliers = np.bincount(made.link_buyer, minlength=made.nodes)
    assert 2.0 <= _exponent(buyers, 10) <= 2.4
    assert 2.3 <= _exponent(suppliers, 20) <= 2.8
    assert buyers.max() > 100 * buyers.mean()
    assert suppliers.max() > 100 * suppliers.mean()


def test_links_are_as_many_as_asked_and_none_twice_or_to_itself() -> None:
    for nodes, links in ((2, 1), (10, 45), (1000, 8791), (20_000, 96_302)):
        made = synthetic_network(nodes, links, sectors=7)
        assert (made.nodes, made.links) == (nodes, links)
        supplier, buyer = made.link_supplier.astype(int), made.link_buyer.astype(int)
        assert (supplier != buyer).all()
        assert len(np.unique(supplier * nodes + buyer)) == links
    with pytest.raises(ValueError, match="do not fit"):
        synthetic_network(10, 46)


def test_input_groups_are_by_buyer_and_sector_and_classes_by_pair_of_sectors() -> None:
    made = synthetic_network(5_000, 50_000, sectors=100, stock_days=(2, 9), lead_days=(1, 3))
    assert (made.sector[made.link_supplier] == made.group_item[made.link_group]).all()
    pairs = made.group_item * 100 + made.sector[made.group_buyer]
    least = np.full(10_000, 9)
    most = np.full(10_000, -1)
    np.minimum.at(least, pairs, made.group_class)
    np.maximum.at(most, pairs, made.group_class)
    seen = most >= 0
    assert (least[seen] == most[seen]).all()
    parts = np.bincount(most[seen], minlength=3) / seen.sum()
    assert parts == pytest.approx([0.30, 0.35, 0.35], abs=0.03)
    assert 2 <= made.group_stock.min() <= made.group_stock.max() <= 9
    assert set(np.unique(made.link_lead)) == {1, 2, 3}


def test_final_demand_takes_its_share_and_all_of_what_is_sold_to_nobody() -> None:
    made = synthetic_network(2_000, 10_000, final=0.3)
    sells = made.sold_weight > 0
    assert (made.final[sells] == 0.3).all()
    assert (made.final[~sells] == 1.0).all()
    sold = np.bincount(made.link_supplier, made.link_sold_part, made.nodes)
    assert sold[sells] == pytest.approx(0.7)


def test_the_same_seed_gives_the_same_bits_and_another_seed_another_network() -> None:
    one, same, other = (synthetic_network(500, 3000, seed=seed) for seed in (1, 1, 2))
    assert differences(one, same) == []
    assert one.version == same.version
    assert one.version != other.version
    assert one.version.startswith("synthetic")
    assert len(differences(one, other)) > len(fields(one)) // 2
