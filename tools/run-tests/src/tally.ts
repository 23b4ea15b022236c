/**
 * What a project's test run amounts to. A report is not trusted to be complete: a file that could not be imported
 * holds no failed test, a run that died leaves no report, and a glob gone wrong leaves files out. Each of these counts
 * as a failure, so that the closing line cannot say less than what went wrong.
 */

export interface Tally {
  readonly passed: number;
  readonly failed: number;
  /** What failed beyond single tests, for people to read. */
  readonly problems: readonly string[];
}

/** The part of vitest's JSON report that counts. */
export interface Report {
  readonly success: boolean;
  readonly testResults: readonly ReportedFile[];
}

interface ReportedFile {
  readonly name: string;
  readonly status: string;
  readonly assertionResults: readonly { readonly status: string }[];
}

/** Sums one project's `report`, given the test files (paths from the project's folder) that lie there. */
export function tallyOfProject(project: string, files: readonly string[], report: Report | undefined): Tally {
  if (report === undefined) return { passed: 0, failed: 1, problems: [`${project}: the run left no report`] };

  const problems: string[] = [];
  for (const file of files) {
    if (!report.testResults.some((result) => result.name.endsWith(`/${project}/${file}`))) {
      problems.push(`${project}/${file}: was not run`);
    }
  }
  for (const result of report.testResults) {
    if (result.status === "failed" && countOf(result, "failed") === 0)
      problems.push(`${result.name}: could not be run`);
  }
  const tests = report.testResults.flatMap((result) => result.assertionResults);
  const failedTests = tests.filter((test) => test.status === "failed").length;
  if (!report.success && failedTests + problems.length === 0) {
    problems.push(`${project}: the run failed outside of any test`);
  }
  return {
    passed: tests.filter((test) => test.status === "passed").length,
    failed: failedTests + problems.length,
    problems,
  };
}

/** Sums the projects. A run that `ended` badly never counts as without failure. */
export function tallyOfRun(projects: readonly Tally[], ended: { readonly well: boolean }): Tally {
  const passed = projects.reduce((sum, tally) => sum + tally.passed, 0);
  const failed = projects.reduce((sum, tally) => sum + tally.failed, 0);
  const problems = projects.flatMap((tally) => tally.problems);
  if (!ended.well && failed === 0)
    return { passed, failed: 1, problems: [...problems, "a task the tests need failed"] };
  if (passed + failed === 0) return { passed, failed: 1, problems: ["no test was found"] };
  return { passed, failed, problems };
}

function countOf(result: ReportedFile, status: string): number {
  return result.assertionResults.filter((test) => test.status === status).length;
}
