"""The kinds of items that the table has, for what is proven about each of them."""

from typing import get_args

from points_ledger.service.ports import ListName

OF_KIND = {
    "MEMBER": "MEMBER#mbr_1",
    "EARNING": "EARNING#stripe#invoice#in_1",
    "REDEMPTION": "REDEMPTION#red_1",
    "APPROVAL": "APPROVAL#apr_1",
    "REWARD": "REWARD#rwd_1",
    "BUDGET": "BUDGET#black-friday",
    "COUPON": "COUPON#K7QX",
    **{f"LIST {name}": f"LIST#{name}#3" for name in get_args(ListName)},
    "BOARD": "BOARD#top#2026-11",
    "REQUEST": "REQUEST#sub-sam#key-1",
    "SIMULATION": "SIMULATION#sim_1",
    "PROFILE": "PROFILE#mbr_1",
    "EXTERNAL": "EXTERNAL#pos#C-1",
    "PAYMENT": "PAYMENT#stripe#pi_1",
    "PROGRAM": "PROGRAM",
    "DUE": "DUE#expiry#2026-11-22T10#0",
    "SWEEP": "SWEEP#expiry",
    "TOTALS": "TOTALS#day#2026-11-22",
    "CHECKPOINT": "CHECKPOINT#shardId-1",
    "CHECKPOINTS": "CHECKPOINTS",
    "FAILURE": "FAILURE#message-1",
    "INTEGRITY": "INTEGRITY",
    "CHANGED": "CHANGED#2026-11-22T10#3",
    "OUTBOUND endpoints": "OUTBOUND#ENDPOINTS",
    "OUTBOUND secrets": "OUTBOUND#SECRETS#whk_1",
    "OUTBOUND deliveries": "OUTBOUND#DELIVERIES#whk_1",
    "NOTIFICATIONS": "NOTIFICATIONS",
    "MAIL": "MAIL#mbr_1",
}
"""A partition key of each kind of item."""
