"""Alerts: what is wrong with a site, who was told, and what is said once a day.

- ``judging``: from what is noted of a site to alerts, with ``silence`` for what time shows
- ``standing``: from alerts to alarms that open once, are reminded of, and close: ``sites/<site>/alerts.json``
- ``bundling``: one message for many sites that suffer from one cause
- ``telling``: the words of a message
- ``watching``: the pass over all sites that does it, and remembers in ``watch.json`` where it stands
- ``digest``: what changed on a day across sites

Nothing here sends: whoever calls ``watch`` hands in how. Airflow's notifiers are in ``dags.notices``.
"""

from pipeline.alerts.digest import Digest, describe_digest, make_digest
from pipeline.alerts.judging import Alert, SiteFacts, judge, read_facts
from pipeline.alerts.standing import Alarm, Standing, acknowledge_alarm, read_standing, settle
from pipeline.alerts.telling import Outgoing
from pipeline.alerts.watching import Watched, send_once, watch

__all__ = [
    "Alarm",
    "Alert",
    "Digest",
    "Outgoing",
    "SiteFacts",
    "Standing",
    "Watched",
    "acknowledge_alarm",
    "describe_digest",
    "judge",
    "make_digest",
    "read_facts",
    "read_standing",
    "send_once",
    "settle",
    "watch",
]
