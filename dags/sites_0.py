"""Airflow reads here the DAGs of sites 1 to 200, by id; see dags/factory.py."""

from dags.factory import build_dags

globals().update(build_dags(group=0))
