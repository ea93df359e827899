"""What may be said of how a message gets to where it is to go."""

import itertools

import pytest

from crm.inbox.channels import DIRECTIONS, REACHED_BY, Channel, Delivery, Direction, Role, delivery_of


@pytest.mark.parametrize(("channel", "direction"), list(itertools.product(Channel, Direction)))
def test_only_mail_is_carried_and_only_out(channel: Channel, direction: Direction) -> None:
    delivery = delivery_of(channel, direction)
    if direction is not Direction.OUT:
        assert delivery is Delivery.NONE
    else:
        assert delivery is (Delivery.MAIL if channel is Channel.EMAIL else Delivery.NO_CHANNEL)


def test_every_role_has_a_direction() -> None:
    assert DIRECTIONS.keys() == set(Role)
    assert set(REACHED_BY) == {Channel.EMAIL, Channel.SMS, Channel.WHATSAPP}
