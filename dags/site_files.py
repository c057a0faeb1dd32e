"""Show site files that cannot be used as an import error in Airflow, without losing the DAGs of the others.

This file makes no DAG. When all site files are good it does nothing.
"""

from dags.factory import find_problems
from spiders.problem import SiteError

if problems := find_problems():
    raise SiteError(problems)
