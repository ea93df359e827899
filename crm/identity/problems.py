"""What is refused about people, as problems."""

from collections.abc import Mapping
from typing import Final

from crm.problem_kinds import Kind

KINDS: Final[Mapping[str, Kind]] = {
    "member_not_found": Kind(404, "There is no such member"),
    "session_not_found": Kind(404, "There is no such session, or it is over"),
    "link_invalid": Kind(400, "This link was altered, or not copied whole"),
    "password_refused": Kind(400, "This password is not taken"),
    "password_wrong": Kind(403, "The current password is wrong"),
    "person_needed": Kind(400, "Whoever is not known here yet gives full_name and password"),
    "link_expired": Kind(410, "This link has expired: ask for a new one"),
    "link_used": Kind(410, "This link was used already or withdrawn: ask for a new one"),
    "sign_in_later": Kind(429, "The password was wrong: wait before the next try"),
    "sign_in_locked": Kind(429, "The password was wrong too often: wait, or open the link that was mailed"),
    "last_admin": Kind(409, "An organisation keeps one active admin: make somebody else admin first"),
}
