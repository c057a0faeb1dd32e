"""Airflow reads here the DAGs of sites 401 to 600, by id; see dags/factory.py."""

from dags.factory import build_dags

globals().update(build_dags(group=2))
