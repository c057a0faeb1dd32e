"""Airflow reads here part 7 of 8 of the sites' DAGs, by id; see dags/factory.py."""

from dags.factory import build_dags

globals().update(build_dags(group=6))
