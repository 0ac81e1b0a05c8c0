"""The workspace's own controls, beside those that every simulator has.

POST   /_sim/databricks/jobs        declare a job            JobScript
POST   /_sim/databricks/clusters    declare a cluster        ClusterScript
POST   /_sim/databricks/runs        put a past run there     SeedRun
POST   /_sim/databricks/statements  answer a statement       StatementScript
GET    /_sim/databricks/runs        the runs there really are
"""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators.databricks import wire
from simulators.databricks.model import World
from simulators.databricks.scripts import ClusterScript, JobScript, SeedRun, StatementScript
from simulators.kit.controls import PREFIX, instruction


def databricks_routes(world: World) -> list[Route]:
    """Return the routes of the controls."""

    async def declare_job(request: Request) -> Response:
        job = world.declare_job(await instruction(request, JobScript))
        return JSONResponse({"job_id": job.job_id}, 201)

    async def declare_cluster(request: Request) -> Response:
        cluster = world.declare_cluster(await instruction(request, ClusterScript))
        return JSONResponse({"cluster_id": cluster.script.cluster_id}, 201)

    async def seed_run(request: Request) -> Response:
        seed = await instruction(request, SeedRun)
        try:
            run = world.seed(seed)
        except KeyError as error:
            raise HTTPException(400, f"job: {seed.job!r} is not declared") from error
        return JSONResponse(wire.run(world, run, with_tasks=True, with_history=True), 201)

    async def answer_statement(request: Request) -> Response:
        script = await instruction(request, StatementScript)
        world.statements[script.statement] = script
        return JSONResponse({"statements": len(world.statements)}, 201)

    async def show_runs(request: Request) -> Response:
        _ = request
        runs = [
            wire.run(world, run, with_tasks=True, with_history=True) for run in world.runs.values()
        ]
        return JSONResponse({"runs": runs})

    path = f"{PREFIX}/databricks"
    return [
        Route(f"{path}/jobs", declare_job, methods=["POST"]),
        Route(f"{path}/clusters", declare_cluster, methods=["POST"]),
        Route(f"{path}/runs", seed_run, methods=["POST"]),
        Route(f"{path}/statements", answer_statement, methods=["POST"]),
        Route(f"{path}/runs", show_runs),
    ]
