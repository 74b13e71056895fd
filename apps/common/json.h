/* Results for programs to read: parts of a JSON object. Needs jansson. */
#ifndef APPS_COMMON_JSON_H
#define APPS_COMMON_JSON_H

#include <jansson.h>

#include "report.h"

/* {"value": …, "standard_error": …, "confidence_95": [low, high], "exact": … or null, "deviation": … or null} */
json_t *app_json_estimate(const app_estimate *estimate);

/* {"seconds": …, "samples_per_second": … or null, "one_rank_samples_per_second": … or null, "speedup": … or null} */
json_t *app_json_timing(const app_timing *timing);

/* Print it on rank 0 and free it; it is NULL elsewhere. Collective on the pool: all learn whether it was made. */
furrow_status app_print_json(furrow_pool *pool, json_t *json);

#endif
