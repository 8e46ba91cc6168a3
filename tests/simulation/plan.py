"""What a sale day brings, by a seed: who writes when and what, who is on shift, what is killed."""

import os
import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

DAY: Final = 24 * 60
"""Minutes."""
BEGINS: Final = datetime(2025, 11, 28, tzinfo=UTC)
"""The day of the sale, a Friday in the past: a webhook from the future counts as of now."""
SHIFTS: Final = ((0, 480), (480, 960), (960, 1440))
"""Begin and end of the three shifts, in minutes of the day."""
STRIKE: Final = 17 * 60
"""When the courier goes on strike: the lead changes all tickets there at once."""
KILLS: Final = (
    (9 * 60, "routing"),
    (10 * 60 + 30, "tickets-2"),
    (12 * 60, "ingest"),
    (13 * 60 + 30, "audit"),
    (15 * 60, "gateway"),
    (16 * 60 + 30, "routing-2"),
    (18 * 60, "nats"),
    (19 * 60 + 30, "mongo"),
    (21 * 60, "tickets"),
)
"""Minute of the day, and which process gets a `kill -9` then."""
_HOURLY: Final = (2, 1, 1, 1, 1, 2, 4, 6, 8, 10, 12, 13, 15, 12, 10, 9, 9, 10, 12, 15, 17, 14, 9, 5)
"""How many write in each hour: a sale at noon, another at eight in the evening."""
_COMPLAINS: Final = 0.09
_WRITES_AGAIN: Final = 0.45

QUESTIONS: Final = (
    "Assalam o alaikum, is the blue kurta available in medium?",
    "Sale kab tak hai?",
    "Do you deliver to Multan?",
    "Size chart bhej dein please",
    "کیا یہ رنگ موجود ہے؟",
    "Cash on delivery ho jaye ga?",
    "Is the discount on shoes as well?",
    "Mera order confirm ho gaya kya?",
)
THANKS: Final = ("Ok shukriya", "Thanks a lot!", "Theek, mehrbani", "جزاک اللہ", "Great, thank you")
COMPLAINTS: Final = (
    "Mera parcel nahi aya, 5 din ho gaye",
    "My order has not arrived and nobody answers",
    "میرا پارسل نہیں آیا",
    "Order abhi tak nahi mila, paise wapis karein",
    "I never received my parcel",
)


@dataclass(frozen=True)
class Size:
    """How large a day is; from the variables CUSTOMERS, ITEMS, AGENTS and SEED."""

    customers: int = 5000
    items: int = 50_000
    agents: int = 30
    seed: int = 1

    @classmethod
    def of_environment(cls) -> "Size":
        """The full day where nothing is said."""
        said = {name: os.environ.get(name.upper()) for name in cls.__dataclass_fields__}
        return cls(**{name: int(value) for name, value in said.items() if value})


@dataclass(frozen=True)
class Said:
    """A customer writes."""

    customer: int
    text: str


@dataclass
class Plan:
    """The day by the minute."""

    size: Size
    said: dict[int, list[Said]] = field(default_factory=lambda: defaultdict(list))
    told: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    """Customers who get one item of news about the sale's campaign."""

    def shift_of(self, agent: int) -> tuple[int, int]:
        """Begin and end of the agent's shift."""
        return SHIFTS[agent % len(SHIFTS)]


def phone_of(customer: int) -> str:
    """An invented number."""
    return f"9230{customer:08d}"


def at(minute: float) -> datetime:
    """The simulated time at a minute of the day."""
    return BEGINS + timedelta(minutes=minute)


def planned(size: Size) -> Plan:
    """The day that follows from the seed; the same for the same size and seed."""
    chance = random.Random(size.seed)
    plan = Plan(size)
    inbound = 0
    for customer in range(size.customers):
        hour = chance.choices(range(24), _HOURLY)[0]
        minute = hour * 60 + chance.randrange(60)
        texts = [chance.choice(QUESTIONS)]
        while chance.random() < _WRITES_AGAIN and len(texts) < 4:
            texts.append(chance.choice(QUESTIONS))
        if chance.random() < _COMPLAINS:
            texts.append(chance.choice(COMPLAINTS))
        texts.append(chance.choice(THANKS))
        for text in texts:
            if minute >= DAY:
                break
            plan.said[minute].append(Said(customer, text))
            inbound += 1
            minute += chance.randint(3, 40)
    # Every reply of the staff brings itself and two statuses; the campaign's statuses fill the day.
    expected = inbound + 3 * int(inbound * 0.8)
    for _ in range(max(0, size.items - expected)):
        minute = min(DAY - 1, int(chance.gauss(12.5 * 60, 3.5 * 60)) % DAY)
        plan.told[minute].append(chance.randrange(size.customers))
    return plan
