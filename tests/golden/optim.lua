-- written by make_optim.py
return {
  { method = "sgd", label = "plain", config = { learningRate = 0.1 }, x = { 0.59049, 0.33614 } },
  { method = "sgd", label = "momentum and decay", config = { learningRate = 0.1, momentum = 0.9, dampening = 0, weightDecay = 0.1 }, x = { -0.1035888391, -1.5657431382 } },
  { method = "sgd", label = "dampening", config = { learningRate = 0.1, momentum = 0.9, dampening = 0.5 }, x = { 0.253018125, -1.28865625 } },
  { method = "sgd", label = "nesterov", config = { learningRate = 0.1, momentum = 0.9, dampening = 0, nesterov = true }, x = { -0.1045816839, -0.6957044794 } },
  { method = "adam", label = "of Torch7", config = { learningRate = 0.1, epsilon = 1e-3 }, x = { 0.518363485873, 1.50470017077 } },
  { method = "adam", label = "with decay", config = { learningRate = 0.1, epsilon = 1e-3, weightDecay = 0.1 }, x = { 0.517438904662, 1.50464411487 } },
  { method = "adamw", label = "decoupled", config = { learningRate = 0.1, weightDecay = 0.1 }, x = { 0.469952659619, 1.41556647952 } },
  { method = "rmsprop", label = "plain", config = { learningRate = 0.01, epsilon = 1e-3, weightDecay = 0.1 }, x = { 0.698369109415, 1.68583886741 } },
  { method = "adagrad", label = "plain", config = { learningRate = 0.1 }, x = { 0.697714862065, 1.68676159813 } },
  { method = "adadelta", label = "plain", config = { weightDecay = 0.1 }, x = { 0.983631372679, 1.98359913871 } },
  { method = "rprop", label = "plain", config = { stepsize = 0.1 }, x = { 0.25584, 1.25584 } },
  { method = "asgd", label = "plain", config = { eta0 = 0.1, lambda = 1e-2 }, x = { 0.587710422804, 0.334822112474 } },
  { method = "adamax", label = "plain", config = { learningRate = 0.1 }, x = { 0.551553801072, 1.52577754532 } },
}
