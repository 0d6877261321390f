// What a release pipeline does, with somebody else's client: npm `dynamics-web-api`. Prints one line of JSON.
const { createRequire } = require("node:module");
const { DynamicsWebApi } = createRequire(process.env.CLIENT_FOLDER + "/")("dynamics-web-api");

const given = JSON.parse(process.argv[2]);

async function token(url) {
  const form = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: given.client,
    client_secret: given.secret,
    scope: url + "/.default",
  });
  const answer = await fetch(given.tokens, { method: "POST", body: form });
  return (await answer.json()).access_token;
}

function open(url) {
  return new DynamicsWebApi({
    serverUrl: url,
    dataApi: { version: "9.2" },
    onTokenRefresh: () => token(url),
  });
}

async function finished(api, id) {
  for (let look = 0; look < 20; look++) {
    const found = await api.retrieve({ collection: "asyncoperations", key: id });
    if (found.statecode === 3) return found;
  }
  throw new Error("the operation never ended");
}

async function main() {
  const dev = open(given.dev), prod = open(given.prod), told = {};
  told.who = (await dev.callFunction({ functionName: "WhoAmI" })).UserId;
  const solutions = await dev.retrieveMultiple({
    collection: "solutions",
    select: ["uniquename", "version", "ismanaged"],
    filter: "uniquename eq 'Orders'",
    expand: [{ property: "publisherid", select: ["uniquename"] }],
  });
  told.solutions = solutions.value.map((one) => [one.uniquename, one.version, one.ismanaged, one.publisherid.uniquename]);
  const file = (
    await dev.callAction({ actionName: "ExportSolution", action: { SolutionName: "Orders", Managed: true } })
  ).ExportSolutionFile;
  told.bytes = file.length;
  const staged = await prod.callAction({ actionName: "StageSolution", action: { CustomizationFile: file } });
  told.staged = staged.StageSolutionResults.StageSolutionStatus;
  const started = await prod.callAction({
    actionName: "ImportSolutionAsync",
    action: {
      CustomizationFile: file,
      OverwriteUnmanagedCustomizations: false,
      PublishWorkflows: true,
      ComponentParameters: [
        { "@odata.type": "Microsoft.Dynamics.CRM.environmentvariablevalue", schemaname: "con_Site", value: "here" },
        {
          "@odata.type": "Microsoft.Dynamics.CRM.connectionreference",
          connectionreferencelogicalname: "con_sp",
          connectionid: "c1",
        },
      ],
    },
  });
  told.imported = (await finished(prod, started.AsyncOperationId)).statuscode;
  const needs = await prod.callFunction({
    functionName: "RetrieveDependenciesForUninstall",
    parameters: { SolutionUniqueName: "Orders" },
  });
  told.needed = needs.value.length;
  const flows = await prod.retrieveMultiple({ collection: "workflows", filter: "category eq 5", count: true });
  told.flows = flows.value.map((one) => [one.name, one.statecode]);
  const id = flows.value[0].workflowid;
  await prod.update({ collection: "workflows", key: id, data: { statecode: 0, statuscode: 1 } });
  told.off = (await prod.retrieve({ collection: "workflows", key: id, select: ["statecode"] })).statecode;
  try {
    await prod.update({ collection: "workflows", key: "11111111-1111-1111-1111-111111111111", data: { statecode: 1 } });
  } catch (error) {
    told.refused = [error.status, error.code];
  }
  console.log(JSON.stringify(told));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
