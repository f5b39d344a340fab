# make demo        set everything up and run the main job; needs Python 3.10 or newer with its headers, make and a C compiler
# make test        set everything up and run the quick tests, the linters among them
# make test-slow   the tests that take minutes
# make lint        the linters alone
# make demo-models train the demo models again and export them to engines/demo/
# make constraints choose the newest versions of every dependency again
# make clean       remove what these targets made

# The demo's options. SOURCE: synthetic, a video file, an image folder, a camera index or an rtsp url. TRUTH: a folder of
# masks for the source's frames. Empty: the demo's own default.
SOURCE ?=
MODELS ?= engines/demo
DURATION ?=
RATE ?=
TRUTH ?=
OUT ?= out/demo

PYTHON ?= python3
VENV ?= .venv
UV ?= $(or $(shell command -v uv 2>/dev/null),$(VENV)/bin/uv)

python := $(VENV)/bin/python
# The generators' tools come from the environment first, and so does what they start.
run := PATH="$(abspath $(VENV))/bin:$$PATH" AMENT_PREFIX_PATH="$(abspath $(VENV))$${AMENT_PREFIX_PATH:+:$$AMENT_PREFIX_PATH}"
installed := package.xml $(wildcard config/* launch/*.launch.py engines/demo/*.onnx resource/executables/*)

# Ends a recipe line: $(call or_say,the step that failed,what to do; no comma in it).
or_say = || { printf '\n*** %s failed. %s\n' '$(1)' '$(2)' >&2; exit 1; }
network_hint = Its output is above; it needs the network and a package index (UV_INDEX_URL names another one).
install = '$(UV)' pip install --quiet --python '$(python)' -c $(pins)

.PHONY: demo test test-slow lint demo-models constraints clean
.DEFAULT_GOAL := demo

demo: $(VENV)/.demo
	@$(run) $(python) -m edgenext_demo --models '$(MODELS)' --out '$(OUT)' \
	  $(if $(SOURCE),--source '$(SOURCE)') $(if $(DURATION),--duration '$(DURATION)') \
	  $(if $(RATE),--rate '$(RATE)') $(if $(TRUTH),--truth-masks '$(TRUTH)')

test: $(VENV)/.test
	@$(run) $(python) -m pytest -n auto --dist worksteal

test-slow: $(VENV)/.test
	@$(run) $(python) -m pytest -m slow

lint: $(VENV)/.test
	@$(run) $(python) -m pytest test/lint

# $(call train_street,task,task whose encoder it starts from): train, or go on where a run was interrupted, and export.
train_street = $(run) $(python) -m edgenext_core.cli fit --config training/street_$(1).yaml --out out/training/street_$(1) \
  $(addprefix --init out/training/street_,$(addsuffix /last.ckpt,$(2))) \
  $(addprefix --resume ,$(wildcard out/training/street_$(1)/last.ckpt)) \
  && $(run) $(python) -m edgenext_core.cli export out/training/street_$(1)/last.ckpt \
    -o engines/demo --name $(1) --target cpu tensorrt

demo-models: $(VENV)/.test
	@$(run) $(python) -m edgenext_core.cli prepare street out/street
	@$(call train_street,segmentation)
	@$(call train_street,detection,segmentation)
	@$(call train_street,classification,segmentation)

constraints: $(VENV)/.python
	echo ziglang | $(UV) pip compile --quiet --universal --python-version 3.10 --all-extras --upgrade --no-annotate \
	  --custom-compile-command 'make constraints' setup.py interfaces/requirements.txt - -o constraints.txt

clean:
	rm -rf '$(VENV)' out build install log *.egg-info .pytest_cache .mypy_cache .ruff_cache

ifdef ROS_DISTRO
# A ROS 2 is sourced: its Python, its packages, and the NumPy that its messages were compiled with.
venv_options := --system-site-packages
pins := $(VENV)/ros-constraints.txt
set_up_ros := $(VENV)/.python
else
pins := constraints.txt
set_up_ros := $(VENV)/.ros constraints.txt
endif

$(VENV)/.python:
	@echo '--- Python environment in $(VENV)'
	@$(PYTHON) interfaces/check_machine.py $(call or_say,Checking this machine,See the line above.)
	@if command -v '$(UV)' >/dev/null; then '$(UV)' venv --quiet --allow-existing $(venv_options) --python '$(PYTHON)' '$(VENV)'; else \
	  $(PYTHON) -m venv $(venv_options) '$(VENV)' && '$(VENV)/bin/pip' install --quiet uv; fi \
	  $(call or_say,Making the Python environment,On Debian and Ubuntu: apt install python3-venv; or install uv.)
ifdef ROS_DISTRO
	@$(python) -c 'import rclpy, vision_msgs.msg; vision_msgs.msg.LabelInfo' $(call or_say,Finding ROS 2 $(ROS_DISTRO) in $(PYTHON),\
	  Name the Python that it was made for (make PYTHON=/usr/bin/python3) and install ros-$(ROS_DISTRO)-vision-msgs 4.1 or newer.)
	@$(python) -c 'import numpy; print("numpy==" + numpy.__version__)' >$(pins)
endif
	@touch $@

$(VENV)/.ros: interfaces/requirements.txt interfaces/build.py constraints.txt $(wildcard interfaces/vision_msgs/* interfaces/vision_msgs/msg/*) $(VENV)/.python
	@echo '--- ROS 2 Jazzy from wheels (no ROS 2 is sourced)'
	@$(install) numpy -r interfaces/requirements.txt \
	  $$(command -v $${CXX:-c++} >/dev/null || echo ziglang) \
	  $(call or_say,Installing ROS 2,$(network_hint))
	@echo '--- vision_msgs from its definitions (half a minute)'
	@$(run) $(python) interfaces/build.py >$(VENV)/vision_msgs.log 2>&1 \
	  || { tail -n 20 $(VENV)/vision_msgs.log; false; } $(call or_say,Generating vision_msgs,All of its output: $(VENV)/vision_msgs.log)
	@touch $@

$(VENV)/.demo: setup.py setup.cfg $(installed) $(set_up_ros)
	@echo '--- What the robot and the demo need'
	@$(install) -e '.[demo]' $(call or_say,Installing the demo,$(network_hint))
	@touch $@

$(VENV)/.test: $(VENV)/.demo
	@echo '--- What training, export and the tests need (torch: some gigabytes; UV_TORCH_BACKEND=cpu makes it small)'
	@$(install) -e '.[demo,train,export,plot,dev]' \
	  $(call or_say,Installing the test tools,$(network_hint))
	@touch $@
