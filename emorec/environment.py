"""The environment variables that set defaults of emorec; there are no others."""

MODEL_VARIABLE = "EMOREC_MODEL"
DETECTOR_VARIABLE = "EMOREC_DETECTOR"
DEVICE_VARIABLE = "EMOREC_DEVICE"
CACHE_VARIABLE = "EMOREC_CACHE"
TOKEN_VARIABLE = "EMOREC_APP_TOKEN"

VARIABLES = {
    MODEL_VARIABLE: "default of --model of detect, explain and app; the model of models show",
    DETECTOR_VARIABLE: "default of --detector of detect and explain",
    DEVICE_VARIABLE: "default of --device of all commands, and of device= in Python",
    CACHE_VARIABLE: "folder of decoded images, features, pulled models and the labels of app",
    TOKEN_VARIABLE: "default of --token of app",
}
"""What each variable sets. An empty variable counts as not set."""
